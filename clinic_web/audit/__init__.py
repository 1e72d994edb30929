"""Audit: one row for each view or change of a patient's data, old and new values of what must be provable.

Owns schema ``audit``. Publishes nothing, listens to nothing. The rows commit with what they witness: when the
row can't be written, the act does not happen.
"""
