"""Schema ``inventory``."""
