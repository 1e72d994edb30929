"""Reads of the stock for screens and for the modules above."""
