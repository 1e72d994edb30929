"""The use cases of payments, by subject: opening and giving up, taking money, looking, importing the past."""
