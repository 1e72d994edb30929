"""What can be permitted, and which role is given what by default. Data; ``service.rights`` writes it as rows.

A permission is named ``resource.action``. Every route needs one, so a new route begins with a line here.
"""

from __future__ import annotations

from dataclasses import dataclass

from clinic_web.kernel.errors import N_

OWN_ACCOUNT = "account.own"

# What every signed-in person of a kind may do, whatever their roles.
EVERYBODY = frozenset({OWN_ACCOUNT})
EVERY_PATIENT = frozenset({"portal.account"})

# What only patients have, and all that they can have: a patient's session opens nothing of the staff's, and a
# colleague's nothing of the portal.
OF_PATIENTS = EVERY_PATIENT | {"portal.own"}

# With what a program of another house changes something, through the JSON API: what its services allow to
# whoever has the right. Rights over people, rights and the house itself are no program's.
BY_API = frozenset(
    {
        "appointment.book",
        "appointment.overbook",
        "appointment.cancel",
        "appointment.reschedule",
        "appointment.miss",
        "visit.walk_in",
        "visit.check_in",
        "visit.cancel",
        "payment.take",
        "payment.refund",
        "payment.void",
        "order.write",
        "order.cancel",
        "stock.receive",
    }
)

# What no form offers: it comes with being somebody.
BY_NATURE = EVERYBODY | OF_PATIENTS

PERMISSIONS: dict[str, str] = {
    OWN_ACCOUNT: N_("Use one's own account: language, look, sessions"),
    "patient.search": N_("Find patients"),
    "patient.view": N_("See a patient's data"),
    "patient.view_any": N_("See the data of every patient, also of those one does not treat"),
    "patient.emergency": N_("Open a stranger's chart in an emergency, with a reason"),
    "patient.register": N_("Register patients"),
    "patient.edit": N_("Correct a patient's data"),
    "patient.merge": N_("Make two records of one patient one, and undo it"),
    "appointment.view": N_("See appointments"),
    "appointment.book": N_("Book appointments"),
    "appointment.overbook": N_("Book on top of another appointment, with a reason"),
    "appointment.cancel": N_("Cancel appointments"),
    "appointment.reschedule": N_("Give appointments another time"),
    "appointment.wait": N_("Keep the waiting list"),
    "appointment.cancel_session": N_("Cancel a doctor's session"),
    "appointment.miss": N_("Mark that a patient did not come"),
    "visit.view": N_("See the line"),
    "visit.walk_in": N_("Register walk-ins"),
    "visit.check_in": N_("Check patients in"),
    "visit.prioritise": N_("Give priority"),
    "visit.call": N_("Call patients"),
    "visit.open": N_("Begin a visit"),
    "visit.finish": N_("Finish a visit"),
    "visit.send_back": N_("Send a called patient back to the line"),
    "visit.hold": N_("Put a patient on hold"),
    "visit.miss": N_("Mark that a called patient did not come"),
    "visit.cancel": N_("Cancel visits"),
    "visit.move": N_("Move a patient to another clinic or doctor"),
    "visit.send": N_("Send patients to the cashier, the pharmacy or the laboratory"),
    "station.work": N_("Call patients at a station: cashier, pharmacy, laboratory"),
    "queue.reserve": N_("Reserve numbers on paper, enter them and void them"),
    "desk.view": N_("Work at the reception desk"),
    "doctor.view": N_("Work at the doctor's console"),
    "payment.view": N_("See payments"),
    "payment.take": N_("Take payments"),
    "payment.refund": N_("Give money back and correct receipts, up to one's limit"),
    "payment.refund_any": N_("Give back any sum"),
    "payment.void": N_("Void payments of which nothing was paid"),
    "bill.view": N_("See bills"),
    "order.view": N_("See clinical orders"),
    "order.write": N_("Write prescriptions and laboratory orders"),
    "order.cancel": N_("Cancel clinical orders"),
    "catalog.manage": N_("Keep the formulary, the tests and the charge master"),
    "stock.view": N_("See the stock"),
    "stock.receive": N_("Take deliveries into stock"),
    "stock.adjust": N_("Count and correct the stock, with a reason"),
    "pharmacy.view": N_("See prescriptions to be dispensed"),
    "pharmacy.dispense": N_("Dispense medicine, and release what is not fetched"),
    "lab.view": N_("See the laboratory's work"),
    "lab.work": N_("Collect specimens and enter results"),
    "lab.schedule": N_("Give tests another time"),
    "lab.capacity": N_("Change how many tests fit into a time"),
    "message.view": N_("See the messages that patients get"),
    "message.manage": N_("Change the wording of messages, send them again"),
    "board.pair": N_("Pair displays"),
    "board.revoke": N_("Take displays out of use"),
    "list.export": N_("Export lists as files"),
    "view.share": N_("Share kept views of lists with the facility"),
    "report.view": N_("See reports"),
    "report.view_all": N_("See the reports of all facilities"),
    "portal.invite": N_("Give patients access to the portal, and end it"),
    "portal.own": N_("See one's own records in the portal"),
    "portal.account": N_("Use one's own account of the portal: language, sessions, second factor"),
    "user.manage": N_("Give people access and roles"),
    "organization.manage": N_("Change clinics, staff, services and prices"),
    "emergency.review": N_("Review charts that were opened in an emergency"),
    "audit.view": N_("See who saw and changed what"),
    "operations.view": N_("See processes and deliveries of all tenants"),
}


@dataclass(frozen=True)
class DefaultRole:
    """A role that every tenant has."""

    name: str
    description: str
    permissions: frozenset[str]


def _all_of(*resources: str) -> set[str]:
    return {name for name in PERMISSIONS if name.partition(".")[0] in resources}


# Who registers, books and bills meets every patient; who treats sees whom they treat, others in an emergency.
# The stations keep every chart until an order says whom they serve.
_MEET = {"patient.search", "patient.view"}
_FIND = _MEET | {"patient.view_any"}
_TREAT = _MEET | {"patient.emergency"}
_IN_THE_ROOM = {"visit.call", "visit.open", "visit.finish", "visit.send_back", "visit.hold", "visit.miss"}
_AT_A_STATION = frozenset(_FIND | {"visit.view", "visit.send", "station.work"})

ROLES: tuple[DefaultRole, ...] = (
    # Operations shows all tenants, so it is nobody's who belongs to one. Charts are no part of administering.
    DefaultRole(
        "administrator",
        N_("Administrator"),
        frozenset(set(PERMISSIONS) - {"operations.view", "patient.view_any"} - OF_PATIENTS),
    ),
    DefaultRole(
        "manager",
        N_("Manager"),
        frozenset(
            _FIND
            | {"patient.merge", "emergency.review"}
            | {"appointment.view", "appointment.overbook", "appointment.cancel_session"}
            | {"visit.view", "desk.view", "payment.view"}
            | {"payment.refund", "payment.refund_any", "payment.void"}
            | {"board.pair", "board.revoke", "queue.reserve"}
            | {"report.view", "list.export", "organization.manage", "view.share"}
            | {"bill.view", "order.view", "catalog.manage", "stock.view", "lab.view", "lab.capacity"}
            | {"message.view", "message.manage"}
        ),
    ),
    DefaultRole(
        "receptionist",
        N_("Receptionist"),
        frozenset(
            _all_of("patient", "appointment", "visit", "board")
            - {"visit.open", "visit.finish", "patient.emergency"}
            | {"desk.view", "payment.view", "payment.take", "queue.reserve", "station.work", "portal.invite"}
            | {"bill.view", "message.view", "lab.view", "lab.schedule"}
        ),
    ),
    DefaultRole(
        "cashier",
        N_("Cashier"),
        frozenset(
            _FIND
            | {"visit.view", "visit.send", "station.work", "bill.view"}
            | _all_of("payment") - {"payment.refund_any"}
        ),
    ),
    DefaultRole(
        "doctor",
        N_("Doctor"),
        frozenset(
            _TREAT
            | _IN_THE_ROOM
            | {"appointment.view", "visit.view", "visit.send", "doctor.view"}
            | {"order.view", "order.write", "order.cancel"}
        ),
    ),
    DefaultRole(
        "nurse",
        N_("Nurse"),
        frozenset(
            _TREAT
            | {"appointment.view", "visit.view", "visit.prioritise", "visit.hold", "visit.move", "visit.send"}
            | {"desk.view", "order.view"}
        ),
    ),
    DefaultRole(
        "pharmacist",
        N_("Pharmacist"),
        frozenset(_AT_A_STATION | {"order.view"} | _all_of("pharmacy", "stock")),
    ),
    DefaultRole(
        "pharmacy_technician",
        N_("Pharmacy technician"),
        frozenset(_AT_A_STATION | {"order.view", "stock.view", "stock.receive"} | _all_of("pharmacy")),
    ),
    DefaultRole(
        "lab_technician", N_("Lab technician"), frozenset(_AT_A_STATION | {"order.view"} | _all_of("lab"))
    ),
    DefaultRole("patient", N_("Patient"), frozenset({"portal.own"})),
    DefaultRole(
        "auditor", N_("Security officer"), frozenset({"audit.view", "emergency.review", "list.export"})
    ),
    DefaultRole("operator", N_("Operator"), frozenset({"operations.view"})),
    DefaultRole("display", N_("Display"), frozenset()),
    DefaultRole("integration", N_("Integration"), frozenset()),
)
