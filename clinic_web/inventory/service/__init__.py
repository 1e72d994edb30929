"""The use cases of the stock, by subject."""
