"""The use cases of orders, one file per subject."""
