"""``flask import patients FILE.csv``: a list of patients that a spreadsheet or another program wrote."""
