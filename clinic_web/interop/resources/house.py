"""The house: clinics, services and who gives them; and whose token it is that asks."""

from __future__ import annotations

from clinic_web.interop.endpoint import Answer, Call, endpoint
from clinic_web.interop.shapes import house as shapes
from clinic_web.interop.shapes.common import money
from clinic_web.organization import api as organization

TAG = "The house"


@endpoint("GET", "/clinics", tag=TAG, scope="appointment.view", answers=shapes.Clinics)
def clinics(call: Call) -> Answer:
    """List the clinics of the token's facility."""
    here = organization.directory(call.who.organization_id).clinics_of(organization.facility(call.who).id)
    return Answer(shape=shapes.Clinics(items=[shapes.Clinic.model_validate(each) for each in here]))


@endpoint("GET", "/services", tag=TAG, scope="appointment.view", query=shapes.ServicesAsked,
          answers=shapes.Services)  # fmt: skip
def services(call: Call) -> Answer:
    """List what can be booked, with the doctors who give it."""
    facility = organization.facility(call.who)
    directory = organization.directory(call.who.organization_id)
    asked: shapes.ServicesAsked = call.query
    found = [
        _service(service, directory, facility.currency)
        for clinic in directory.clinics_of(facility.id)
        if asked.clinic in (None, clinic.id)
        for service in directory.services_of(clinic.id)
    ]
    return Answer(shape=shapes.Services(items=found))


def _service(
    service: organization.ServiceInfo, directory: organization.Directory, currency: str
) -> shapes.Service:
    doctors = [shapes.Doctor.model_validate(each) for each in directory.doctors_of(service.clinic_id)]
    return shapes.Service.model_validate(
        vars(service) | {"price": money(service.price, currency), "doctors": doctors}
    )
