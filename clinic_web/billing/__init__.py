"""Billing: the bill of each visit and each order, its lines, and which money settled it.

Owns schema ``billing``. Publishes BillGenerated, BillVoided, OrderBilled, OrderBillingFailed, OrderUnbilled;
hears reception (a visit is booked, opened, moved, off), payments (money moved) and orders (bill, undo).
"""
