"""What the states and kinds of bills are called, and why one is off."""

from __future__ import annotations

from clinic_web.kernel.errors import N_

STATES = {
    "ISSUED": N_("To pay"),
    "PARTIALLY_PAID": N_("Part paid"),
    "PAID": N_("Paid"),
    "REFUND_DUE": N_("Refund due"),
    "PARTIALLY_REFUNDED": N_("Part refunded"),
    "REFUNDED": N_("Refunded"),
    "KEPT": N_("Money kept"),
    "VOIDED": N_("Void"),
}
KINDS = {"VISIT": N_("Visit"), "PRESCRIPTION": N_("Medicines"), "LAB": N_("Laboratory")}
WHY_OFF = {
    "VISIT_OFF": N_("The visit is off."),
    "ORDER_UNDONE": N_("The order was undone."),
    "STOCK_RELEASED": N_("The pharmacy released the medicine."),
    "RESERVATION_EXPIRED": N_("Nobody came for the medicine in time."),
    "LAB_RELEASED": N_("The laboratory released the time."),
}
MOVED = {"PAYMENT": N_("Paid"), "REFUND": N_("Given back"), "CORRECTION": N_("Taken back as a mistake")}
