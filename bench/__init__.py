"""The figures: ours and a floor side by side in one run, as ratios, because machines differ and drift.

``make bench`` runs all of it; ``make bench ARGS="calls boards"`` some. A floor is the least that could do the
same: a bare Flask answer, or a bare Flask route with the same SQL by bare psycopg.
"""
