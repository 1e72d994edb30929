"""Schema ``interop``."""
