"""Inventory: what is on the shelves: items, batches, every movement with before and after.

Owns schema ``inventory``. Publishes StockAdjusted, StockLow, BatchExpiring; hears nothing.
"""
