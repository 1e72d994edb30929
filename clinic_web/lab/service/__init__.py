"""The use cases of the laboratory, by subject."""
