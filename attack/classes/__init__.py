"""Classes of attacks. In each module: ``IDS`` of the list of attacks, ``WHAT`` in words, ``cases(arena)``."""
