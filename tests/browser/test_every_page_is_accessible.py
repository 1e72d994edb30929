"""axe finds nothing on any page, in both languages and both themes, and no page scrolls sideways."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from clinic_web.identity.service import people
from tests.browser.conftest import House, sign_in
from tests.browser.filled import fill
from tests.browser.rest import settle

pytestmark = pytest.mark.browser

PAGES = [
    ("amina", "/desk"),
    ("amina", "/boards"),
    ("amina", "/appointments"),
    ("amina", "/appointments?view=week"),
    ("amina", "/appointments/waiting/new"),
    ("amina", "/appointments/affected"),
    ("amina", "/patients/find?q=mar"),
    ("amina", "/patients/new"),
    ("amina", "/patients/{patients[0]}"),
    ("amina", "/patients/{patients[0]}/edit"),
    ("amina", "/patients/{patients[0]}/merge"),
    ("amina", "/patients/{patients[0]}/merge?with={patients[1]}"),
    ("salma", "/doctor"),
    ("ziad", "/patients/{patients[0]}/emergency"),
    ("ziad", "/patients/{patients[1]}"),
    ("mona", "/audit/emergencies"),
    ("mona", "/audit/emergencies/{patients[4]}"),
    ("farida", "/payments"),
    ("farida", "/account"),
    ("farida", "/account/password"),
    ("mona", "/visits"),
    ("mona", "/appointments/list?when=any"),
    ("mona", "/patients"),
    ("mona", "/payments?when=any"),
    ("mona", "/admin"),
    ("mona", "/admin/services/new"),
    ("mona", "/admin/staff"),
    ("mona", "/admin/hours"),
    ("mona", "/admin/leave"),
    ("mona", "/admin/refund-limits"),
    ("mona", "/reports?day=today"),
    ("mona", "/reports"),
    ("ola", "/operations"),
    ("farida", "/stations"),
    ("salma", "/visits/{visit}/orders/new?kind=prescription"),
    ("salma", "/orders"),
    ("salma", "/orders/{order}"),
    ("tarek", "/pharmacy?order={order}"),
    ("tarek", "/inventory"),
    ("tarek", "/inventory/new"),
    ("tarek", "/inventory/{stock_item}"),
    ("hana", "/lab"),
    ("mona", "/lab/setup"),
    ("farida", "/bills"),
    ("farida", "/bills/{bill}"),
    ("amina", "/messages"),
    ("amina", "/messages/{message}"),
    ("mona", "/admin/catalog/medications"),
    ("mona", "/admin/messages"),
    ("mona", "/admin/messages/booking_confirmation/ar"),
    ("mona", "/admin/payment-rules"),
    ("mona", "/queues"),
    ("mona", "/queues/{cast.dental_queue}"),
    ("mona", "/queues/{cast.dental_queue}/paper"),
]


WIDTHS = (360, 1024, 1280)  # a telephone, a tablet, a desk


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    house: House,
    browser_of: Callable[..., Page],
    problems_of: Callable[[Page], list[str]],
    axe: str,
    language: str,
    theme: str,
) -> None:
    names = vars(fill(house))
    page = browser_of(None)
    page.add_init_script(axe)  # sent once, not to each page anew
    found = {}
    for name in dict.fromkeys(person for person, _ in PAGES):
        people.choose(house.cast.people[name].actor, language=language, theme=theme)
        sign_in(house, page.context, name)
        for path in (path for person, path in PAGES if person == name):
            page.set_viewport_size({"width": WIDTHS[0], "height": 800})
            page.goto(house.url + path.format(**names))
            settle(page)
            problems = [f"{width} px scrolls sideways" for width in WIDTHS if is_wider_than(page, width)]
            if problems := problems + problems_of(page):
                found[path] = problems
        assert looks_of(page) == [language, theme]
    assert not found


def is_wider_than(page: Page, width: int) -> bool:
    """Whether the page scrolls sideways in a window as wide as this, which it then has."""
    page.set_viewport_size({"width": width, "height": 800})
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def looks_of(page: Page) -> list[str]:
    return list(page.evaluate("(({lang, dataset}) => [lang, dataset.bsTheme])(document.documentElement)"))
