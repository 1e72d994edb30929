"""Reception: appointments, visits, queues and boards: the front desk itself.

Owns schema ``reception``. Publishes AppointmentBooked, VisitOpened, VisitCheckedIn, VisitCalled and the other
moves of a visit; hears PaymentCompleted (a visit whose payment completes, completes).
"""
