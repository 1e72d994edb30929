"""Waiting-room screens of a line, paired as at a desk."""

from __future__ import annotations

from bench.crowd import Screen
from bench.world import Line, World
from clinic_web.kernel.db import db
from clinic_web.reception.queries import displays as queries
from clinic_web.reception.routes.boards import COOKIE
from clinic_web.reception.service import displays
from clinic_web.reception.service.displays import Pairing


def paired_screens(world: World, line: Line, number: int) -> list[Screen]:
    """Pair ``number`` screens with the line's queue: one language, numbers only."""
    desk = world.person("receptionist")
    screens = []
    for place in range(1, number + 1):
        new = displays.begin_pairing("en")
        pairing = Pairing(code=new.code, queue_id=line.queue_id, name=f"Wall {place}")
        displays.pair(desk.actor, pairing, key=new.code)
        screen = queries.screen_by_id(new.display_id)
        assert screen is not None
        screens.append(Screen(f"{COOKIE}={new.token}", [screen.own_topic, *screen.topics]))
    db.session.rollback()  # nothing is held open while servers are measured
    return screens
