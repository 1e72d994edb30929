"""Orders: a doctor's clinical orders, each fulfilled by a saga whose steps are rows and a line to look at.

Owns schema ``orders``. Publishes OrderCreated, BillingRequested, NotificationRequested,
CompensationRequested, OrderCompleted, OrderFailed, OrderCancelled; hears the outcome of each step from
pharmacy, lab, billing and notifications.
"""
