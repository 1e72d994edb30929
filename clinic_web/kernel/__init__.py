"""The kernel: what every module stands on, and which knows none of them.

Owns schema ``kernel`` (events, deliveries, streams, idempotency keys). One unit of work commits, publishes
and then tells the screens; the relay makes sure that no committed event is ever forgotten.
"""
