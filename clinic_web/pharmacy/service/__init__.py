"""The pharmacy's use cases, by subject."""
