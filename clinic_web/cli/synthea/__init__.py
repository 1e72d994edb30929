"""``flask import synthea DIR``: a CSV export of Synthea, the patient generator, becomes one tenant.

``commands.py`` is the way in. The files are read in this order, each by one module: organizations and
providers (``places.py``), patients (``people.py``), encounters (``encounters.py``, ``past.py``) and
claims_transactions (``money.py``); ``today.py`` lays out a working day on top. A wrong row is refused with
its reason (``reading.py``, ``report.py``) and never stops the import.

Every row that is written has an id derived from its id in the export (``ids.py``), and each stage skips what
is known: a second run changes nothing, and a run that was interrupted is completed by the next.
"""
