"""Use cases of billing: making bills, following money, undoing what was billed."""
