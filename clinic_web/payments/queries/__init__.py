"""Reads of payments, by subject: what is owed, receipts, one bill, the day's list."""
