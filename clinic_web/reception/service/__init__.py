"""The use cases of reception, split by subject: one function per intention, one transaction each.

Locks are taken in one order, so that nobody waits in a circle: idempotency key, the patient with the doctor,
the visit in hand and its appointment, the day of the doctor, the payment, the counter of the queue; streams
come last, with the commit. Calling next takes its visit after the payment of the one it finishes: it passes
over locked visits, and waits only for the last of the line, whose holder wants nothing of the other payment.
"""
