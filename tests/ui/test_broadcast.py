"""Processes tell each other's screens, under names of their own."""

from __future__ import annotations

from flask import Flask

from clinic_web.ui.sockets import socketio
from tests import apart


def test_forked_processes_go_by_different_names(built_app: Flask) -> None:
    manager = socketio.server.manager

    def first_socket() -> str:
        manager.initialize()
        return str(manager.host_id)

    names = [apart.run(built_app, first_socket) for _ in range(2)]
    assert [each.code for each in names] == [0, 0]
    assert len({manager.host_id, *(each.said for each in names)}) == 3
