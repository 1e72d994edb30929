"""Reads of billing, by subject."""
