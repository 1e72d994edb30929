"""The handshake of a socket, as somebody else's page or program would send it to the running program."""

from __future__ import annotations

import http.client

import pytest

from tests.browser.conftest import House

pytestmark = pytest.mark.slow
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip


def test_a_socket_opens_to_pages_of_ours_only(house: House) -> None:
    host = house.url.removeprefix("http://")
    others = ("http://evil.example", "null", f"{house.url}.evil.example", house.url.replace("http", "https"))
    answers = [shake(host, {"Origin": each}) for each in others]
    answers += [shake(host, {"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"})]
    assert set(answers) == {400}
    assert shake(host, {"Origin": house.url}) == 101
    assert shake(host, {"Origin": house.url}, "polling") == 400


def shake(host: str, headers: dict[str, str], transport: str = "websocket") -> int:
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("GET", f"/socket.io/?EIO=4&transport={transport}", headers=UPGRADE | headers)
    status = connection.getresponse().status
    connection.close()
    return status
