"""Setup: the first-run wizard, from an empty database to a desk that can work.

Owns schema ``setup``, which holds nothing but the key that opens the wizard once. It stands above the modules
whose rows it makes and calls their front doors; it publishes and hears nothing.
"""
