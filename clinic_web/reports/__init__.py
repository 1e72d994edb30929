"""Reports: what a facility's day was like, kept: visits, waits, money, and what does not add up.

Owns schema ``reports``. Publishes and hears nothing: it reads what other modules publish as ``<schema>.v_*``
after the day is over. Each facility's report is made at its own local night, or by hand for any day.
"""
