"""Chaos: the running program is driven by people who want orders, and killed, frozen and confused meanwhile.

``python -m chaos --sagas 10000 --seed 7`` (or ``make chaos SAGAS=10000 SEED=7``); at the end everything comes
to rest, ``flask check invariants`` looks at every row, and what people were told is compared with what is
written. The seed decides who does what when and what is broken when; what the machine makes of it differs.
"""
