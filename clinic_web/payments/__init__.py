"""Payments: what is owed, what was paid, and a double-entry ledger behind each movement.

Owns schema ``payments``. Publishes PaymentReceived, PaymentCompleted, PaymentRefunded,
PaymentVoided, PaymentReopened and PaymentFailed;
listens to nothing: the module that opens something payable calls ``api.open_payment`` in its own transaction.
"""
