"""Encounters become past visits. What their money needs is kept: one small bill per encounter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clinic_web.cli.synthea.bars import Bars
from clinic_web.cli.synthea.encounters import Encounter, Known
from clinic_web.cli.synthea.ids import id_of
from clinic_web.cli.synthea.money import Bill
from clinic_web.cli.synthea.people import People
from clinic_web.cli.synthea.places import Places
from clinic_web.cli.synthea.reading import ENCOUNTERS, Export, Repeated, Row, accepted, in_chunks
from clinic_web.cli.synthea.report import Report
from clinic_web.reception import api as reception
from clinic_web.reception.api import PastVisit


def load(
    places: Places, people: People, known: Known, *, export: Export, bars: Bars, report: Report
) -> dict[str, Bill]:
    """Write the encounters that are not known yet as completed visits.

    Return a bill for each encounter that was not refused, by its id in the export.
    """
    bills: dict[str, Bill] = {}

    def parse(row: Row) -> Encounter:
        encounter = known.encounter(row)
        if encounter.external_id in bills:
            raise Repeated("Id is on an earlier line, too", encounter.external_id)
        bills[encounter.external_id] = _bill(places, people, encounter)
        return encounter

    encounters = accepted(export.rows(ENCOUNTERS, bars), parse, report)
    new = sum(
        reception.import_past_visits(places.actor, chunk)
        for chunk in in_chunks(_visits(places, encounters, bills))
    )
    report.count("visits", new=new, seen=len(bills))
    return bills


def _bill(places: Places, people: People, encounter: Encounter) -> Bill:
    clinic_id = places.clinics[encounter.organization]
    return Bill(
        patient=encounter.patient,
        visit_id=id_of(places.actor, "encounter", encounter.external_id),
        patient_id=people.ids[encounter.patient],
        clinic_id=clinic_id,
        doctor_id=places.doctors[encounter.provider],
        service_id=places.services[clinic_id, encounter.service],
        opened_at=encounter.start,
        received_at=encounter.stop,
    )


def _visits(places: Places, encounters: Iterable[Encounter], bills: dict[str, Bill]) -> Iterator[PastVisit]:
    """When these patients came and were called nobody knows: only from when to when they were seen."""
    for encounter in encounters:
        bill = bills[encounter.external_id]
        yield PastVisit(
            id=bill.visit_id,
            external_id=encounter.external_id,
            patient_id=bill.patient_id,
            service_id=bill.service_id,
            clinic_id=bill.clinic_id,
            facility_id=places.facility.id,
            doctor_id=bill.doctor_id,
            attending_id=bill.doctor_id,
            opened_at=encounter.start,
            finished_at=encounter.stop,
        )
