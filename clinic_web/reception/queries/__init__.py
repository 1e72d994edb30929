"""Reads for reception's screens, split by screen: the desk, the thing in hand, the doctor's console, the board."""
