"""Every route × every role × one's own thing, another facility's, another tenant's: none is left out.

The routes come from the matrix that the program makes of itself (``flask policies``), so that a new one is
tried from its first day on.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from attack.arena import EVERYBODY, NOBODY, PROGRAM
from attack.doors import FORBIDDEN, HIDDEN, IN, OWN, SIGN_IN, address, filled_in, question, whose
from clinic_web.ui import policies
from clinic_web.ui.policies import ROUTE, Policy
from tests.policies.conftest import House

PARTS = 2  # so that two processes share them
# What a form without its fields, or of a thing in another state, is answered.
ANSWERED = {200, 201, 204, 302, 303, 400, 409, 415, 422}
BY_STATUS = {403: FORBIDDEN, 404: HIDDEN, 401: SIGN_IN}


def cases(house: House, policy: Policy) -> Iterator[tuple[str, str]]:
    """Who tries whose things. Everybody who may not come in is refused before anything is looked for.

    Of those who may, who has the fewest rights and who has the most try everything: what a view looks for
    depends on their place, and on rights that only the widest roles have. ``make attack`` tries all of them.
    """
    may: list[str] = []
    for who in EVERYBODY:
        if house.expected(policy, who, OWN) == IN:
            may.append(who)
        else:
            yield who, OWN
    by_rights = sorted(may, key=lambda who: len(house.permissions(who) or ()))
    for who in dict.fromkeys([*by_rights[:1], *by_rights[-1:], *({NOBODY, PROGRAM} & set(may))]):
        yield from ((who, of_whom) for of_whom in whose(policy))


def outcome(policy: Policy, answer: TestResponse) -> str:
    """Return what an answer means. What is open to all answers for itself: a token, a cookie, a letter's link
    may be missing, and then it may well say no; it only must not break."""
    if answer.status_code in ANSWERED or (policy.permission is None and answer.status_code < 500):
        return IN
    return BY_STATUS.get(answer.status_code, str(answer.status_code))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_route_answers_every_role_as_the_matrix_says(house: House, part: int) -> None:
    wrong = []
    routes = [each for each in policies.matrix(house.app) if each.kind == ROUTE]
    for policy in routes[part::PARTS]:
        for who, of_whom in cases(house, policy):
            right = house.expected(policy, who, of_whom)
            url = address(policy, house.holder(who, of_whom))
            form = filled_in(house.ours) if policy.method == "POST" else None
            asked = question(policy, house.ours)
            send = house.sends if right in {FORBIDDEN, SIGN_IN} else house.asks
            answer = send(who, policy.method, url, data=form, query_string=asked)
            if outcome(policy, answer) != right:
                wrong.append(f"{policy.action} by {who} of {of_whom}: {answer.status_code}, not {right}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)
