"""Reads for reception's screens, split by screen: the desk, what it holds in hand, the doctor, the board."""
