"""Checks of what ruff does not see: secrets in files, risky calls, known weaknesses of other people's work.

Unlike the rest of `dev` these run inside the environment, because their tools live there.
"""
