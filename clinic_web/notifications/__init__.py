"""Notifications: what patients and colleagues are told outside the screens (SMS, e-mail).

Owns schema ``notifications``: messages, their tries, an organization's wordings, patients' wishes. Hears
appointments, visits that are soon or called, orders, laboratory times, money and bills; publishes
NotificationQueued and NotificationFailed to orders. A handler writes a row, a job sends it through a channel
with the row's id as idempotency key.
"""
