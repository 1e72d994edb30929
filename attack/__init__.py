"""Attacks on the running program, as generators: routes × roles × tenants × payloads. See ``make attack``."""
