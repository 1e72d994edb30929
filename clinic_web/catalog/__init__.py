"""Catalog: what can be ordered, priced and coded: medications, laboratory tests, the charge master.

Owns schema ``catalog``. Publishes nothing; hears nothing.
"""
