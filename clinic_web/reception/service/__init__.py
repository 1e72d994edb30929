"""The use cases of reception, split by subject: one function per intention, one transaction each."""
