"""Portal: patients sign in and see their own records, and nobody else's.

Owns schema ``portal``: who was invited, and whose records an account may see. The account itself (name,
password, second factor, sessions) is a user of identity whose kind is patient. Publishes PatientInvited;
hears nothing.
"""
