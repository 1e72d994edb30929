"""The catalogue as whoever keeps it sees it: found as one types, added once, prices that leave a trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from clinic_web.audit.models import Change
from clinic_web.catalog import api
from clinic_web.catalog.models import LabTest, Medication
from clinic_web.inventory import api as inventory
from clinic_web.inventory.models import Item
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.organization import api as organization
from tests import factories
from tests.cast import Cast

HX = {"HX-Request": "true"}
AT = "/admin/catalog/medications"


@pytest.fixture
def mona(as_person: Callable[[str], FlaskClient]) -> FlaskClient:
    return as_person("mona")


def medicine(**fields: str) -> dict[str, str]:
    usual = {"drug_name": "Zinc", "drug_name_ar": "زنك", "strength": "20 mg", "unit": "tablet"}
    return usual | {"price": "٢٫٥", "is_active": "1", "idempotency_key": str(new_id())} | fields


def test_a_medicine_is_added_once_found_and_priced(cast: Cast, mona: FlaskClient) -> None:
    sent = medicine()
    for _ in range(2):
        assert mona.post(AT, data=sent, headers=HX).status_code == 200
    actor = cast.people["mona"].actor
    (found,) = api.find_medications(actor, "زنك")
    assert found.name == "Zinc 20 mg" and api.prices(actor, [found.id])[found.id].price == 2.5
    page = mona.get(f"{AT}?q=zin").text
    assert "Zinc" in page and "2.50" in page
    assert "Nothing fits these words" in mona.get(f"{AT}?q=copper").text

    refused = mona.post(AT, data=medicine(drug_name="", price="free", strength="7 mg"), headers=HX)
    assert refused.status_code == 422 and "This is not an amount" in refused.text and "7 mg" in refused.text
    mona.post(AT, data=medicine(ndc_code="N-1"), headers=HX)
    taken = mona.post(AT, data=medicine(ndc_code="N-1"), headers=HX)
    assert taken.status_code == 422 and "Another medicine has this code" in taken.text


def test_a_price_change_is_audited_and_the_second_editor_sees_both_sides(
    cast: Cast, mona: FlaskClient
) -> None:
    actor = cast.people["mona"].actor
    key = factories.medication(organization_id=cast.organization_id, name="Zinc", drug_name_ar=None)
    item_id = inventory.stock(actor, organization.facility(actor).id, key)
    to = f"{AT}/{key}"
    fields = medicine(price="3.1250", version="1", drug_name="Zinc sulphate", dosage_form="tablet")
    assert mona.post(to, data=fields, headers=HX).status_code == 200
    price = db.session.scalars(db.select(Change).where(Change.action == "catalog.price")).one()
    assert price.old_values == {"price": "1.5000"} and price.new_values == {"price": "3.1250"}
    assert api.prices(actor, [key])[key].price == api.prices(actor, [key])[key].price.normalize() == 3.125
    item = db.session.get(Item, item_id)
    assert item is not None and item.item_name == "Zinc sulphate 20 mg"  # the stock keeps its words

    late = mona.post(to, data=fields | {"price": "4"}, headers=HX)
    assert late.status_code == 409 and "3.125" in late.text and "Keep what I typed" in late.text
    row = db.session.get(Medication, key)
    assert row is not None and row.version == 2


def test_tests_and_charges_have_their_sheets(cast: Cast, mona: FlaskClient) -> None:
    fields = {"code": "CBC", "name": "Blood count", "slot_minutes": "15", "capacity": "0", "is_active": "1"}
    answer = mona.post("/admin/catalog/tests", data=medicine() | fields, headers=HX)
    assert answer.status_code == 200 and "CBC" in answer.text
    test = db.session.scalars(db.select(LabTest)).one()
    assert (test.slot_minutes, test.capacity) == (15, 0)
    page = mona.get("/admin/catalog/charges?q=blood").text
    assert "Blood count" in page and "2.50" in page
    wrong = mona.post("/admin/catalog/tests", data=medicine() | fields | {"slot_minutes": "1"}, headers=HX)
    assert wrong.status_code == 422 and "A whole number from 5 to 480" in wrong.text


def test_who_may_not_keep_the_catalogue_and_another_tenants_rows(
    cast: Cast, mona: FlaskClient, as_person: Callable[[str], FlaskClient]
) -> None:
    assert as_person("salma").get(AT).status_code == 403
    theirs = factories.medication(organization_id=cast.other_organization_id)
    assert mona.get(f"{AT}/{theirs}").status_code == 404
    assert mona.post(f"{AT}/{theirs}", data=medicine()).status_code == 404
