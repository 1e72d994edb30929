"""Sockets from other origins, without a session, into others' topics, in floods, with odd messages."""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

from attack.arena import HTMX, Arena, Case, Deed, Knock
from attack.doors import IN, OTHER_FACILITY, OTHER_TENANT, OWN, expected
from attack.judges import EVIL, refused
from bench.crowd import Socket
from clinic_web.ui import policies, sockets
from clinic_web.ui.policies import PROGRAM, TOPIC

IDS = "A15 A41 A42 A43"
WHAT = "sockets"

WHO = ("administrator", "receptionist", "cashier", "auditor", "patient")
ROOMS = ("", ":", "/", "queue", "queue:", "queue:*", "queue:%", "queue:' OR 1=1 --", "board:", "sid", "{}", "null",
         "queue:00000000-0000-0000-0000-000000000000", "patients:*", "operations:", "x" * 4000)  # fmt: skip
FLOOD = 10_000


class Refused(Exception):
    """The socket was not opened, or ended."""


def cases(arena: Arena) -> Iterator[Case]:
    for what, headers, cookie in _origins(arena):
        yield Deed(f"socket: {what}", partial(_may_not_connect, arena, headers, cookie))
    for transport in ("polling", "polling&sid=x", "websocket"):
        for more in ({}, HTMX, {"Origin": f"https://{EVIL}"}):
            path = f"/socket.io/?EIO=4&transport={transport}"
            yield Knock(
                "socket by plain HTTP", path, refused(400, 401, 403, 404, 426), "receptionist", headers=more
            )
    for who, wanted in _foreign_topics(arena):
        yield Deed(f"join {wanted} as {who}", partial(_may_not_join, arena, who, wanted))
    for odd in ROOMS:
        yield Deed(f"join {odd[:20]!r}", partial(_may_not_join, arena, "administrator", odd))
    for message in MESSAGES:
        yield Deed(f"says {message[:30]!r}", partial(_survives, arena, message))
    yield Deed("flood of joins", partial(_flood, arena))


def _foreign_topics(arena: Arena) -> Iterator[tuple[str, str]]:
    for policy in policies.matrix(arena.app):
        for who in WHO if policy.kind == TOPIC else ():
            for of_whom in (OWN, OTHER_FACILITY, OTHER_TENANT):
                is_right = policy.permission and expected(policy, arena.permissions(who), of_whom) == IN
                if not is_right:
                    yield who, topic_of(arena, policy, who, of_whom)


def topic_of(arena: Arena, policy: policies.Policy, who: str, of_whom: str) -> str:
    ((_part, thing),) = policy.things
    if thing.within == PROGRAM:
        return policy.name.rstrip(":")
    kind = "queue" if thing.kind == "board of a queue" else thing.kind
    return f"{policy.name}{arena.holder(who, of_whom).place.thing(kind)}"


def _origins(arena: Arena) -> Iterator[tuple[str, dict[str, str], bool]]:
    here = f"http://localhost:{arena.port}"
    for origin in (f"https://{EVIL}", "null", f"{here}.{EVIL}", f"http://{EVIL}:{arena.port}", "https://localhost",
                   f"{here}@{EVIL}", "file://", here.replace("http", "https"), f"{here}/", here.upper()):  # fmt: skip
        yield f"origin {origin}", {"Origin": origin}, True
    yield "no origin", {}, True
    yield (
        "forwarded host",
        {"Origin": f"https://{EVIL}", "X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https"},
        True,
    )
    yield "host", {"Origin": f"http://{EVIL}", "Host": EVIL}, True
    yield "nobody", {"Origin": here}, False
    yield "a forged cookie", {"Origin": here, "Cookie": "clinic=eyJfdXNlcl9pZCI6ICJ4In0.aaaa.bbbb"}, False
    yield "a program's token", {"Origin": here, **arena.brings["program"]}, False


def _opened(arena: Arena, headers: dict[str, str]) -> Socket:
    assert arena.port
    connection = socket.create_connection(("127.0.0.1", arena.port), timeout=15)
    lines = {
        "Host": f"localhost:{arena.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    } | headers
    head = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    connection.sendall((head + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = connection.recv(1)
        if not more:
            raise Refused("closed")
        answer += more
    if b" 101 " not in answer.split(b"\r\n")[0]:
        connection.close()
        raise Refused(answer.split(b"\r\n")[0].decode("latin-1"))
    return Socket(connection)


def _joined(arena: Arena, headers: dict[str, str]) -> Socket:
    """Open a socket and connect to the namespace; Refused when the program does not want it."""
    opened = _opened(arena, headers)
    try:
        opened.until(b"0")
        opened.say("40")
        answer = opened.until(b"4")
    except (ConnectionError, OSError) as error:
        raise Refused(str(error)) from error
    if not answer.startswith(b"40"):
        opened.connection.close()
        raise Refused(answer.decode("latin-1"))
    return opened


def _may_not_connect(arena: Arena, headers: dict[str, str], with_cookie: bool) -> str | None:
    cookie = arena.brings["receptionist"] if with_cookie else {}
    try:
        _joined(arena, cookie | headers).connection.close()
    except Refused:
        return None
    return "the socket was opened"


def _of(arena: Arena, who: str) -> Socket:
    return _joined(arena, arena.brings[who] | {"Origin": f"http://localhost:{arena.port}"})


def _may_not_join(arena: Arena, who: str, wanted: str) -> str | None:
    opened = _of(arena, who)
    try:
        opened.say(f'420["join",{json.dumps({"topic": wanted})}]')
        return "joined" if b'"ok":true' in opened.until(b"430").replace(b" ", b"") else None
    except (ConnectionError, OSError):
        return None  # it was closed, which is refusing, too
    finally:
        opened.connection.close()


DEEP = "[" * 5000 + "]" * 5000
MESSAGES = (
    '42["board",{"html":"<script>"}]', '42["tick",{}]', '42["signed_out",{}]', '42["changed",{"topic":"queue:1"}]',
    '42["enter_room",{"room":"x"}]', '42["connect"]', '42["disconnect"]', "42[]", "42{}", "42[1]", "42[null]", "42",
    '42["join"]', '42["join",null]', '42["join",[]]', '42["join",{"topic":null}]', '42["join",{"topic":{"a":1}}]',
    '42["join",{"topic":["queue:1"]}]', '42["join",1e999]', '42["leave",null]', '42["leave",{"topic":"x"}]',
    '451-["join",{"_placeholder":true,"num":0}]', "40/admin,", '40/admin,{"auth":1}', "41/x,", "44x", "5", "6", "zzz",
    f'42["join",{DEEP}]', '42["' + "a" * 50_000 + '"]', "4" * 60_000, '42["join",' + '{"a":' * 900 + "1" + "}" * 900 + "]",
)  # fmt: skip


def _survives(arena: Arena, message: str) -> str | None:
    """Whatever a socket says, the program still answers everybody else's."""
    odd = _of(arena, "patient")
    try:
        odd.connection.sendall(_framed(message.encode()))
    except OSError:
        pass
    finally:
        odd.connection.close()
    return _hears_its_queue(arena)


def _framed(data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        head = bytes([0x81, 0x80 | size])
    else:
        head = (
            bytes([0x81, 0xFE]) + size.to_bytes(2, "big")
            if size < 65536
            else bytes([0x81, 0xFF]) + size.to_bytes(8, "big")
        )
    return head + b"\0\0\0\0" + data


def _hears_its_queue(arena: Arena) -> str | None:
    good = _of(arena, "receptionist")
    wanted = f"queue:{arena.ours.thing('queue')}"
    good.say(f'421["join",{json.dumps({"topic": wanted})}]')
    answer = good.until(b"431")
    good.connection.close()
    return None if b'"ok":true' in answer.replace(b" ", b"") else "others can't join any more"


def _flood(arena: Arena) -> str | None:
    """One socket asks to join thousands of topics: it gets no more than a socket may, and others are answered."""
    flood = _of(arena, "receptionist")
    told = f'42["join",{json.dumps({"topic": "queue:" + quote(str(arena.ours.thing("queue")))})}]'
    try:
        for _ in range(FLOOD // 100):
            flood.connection.sendall(b"".join(_framed(told.encode()) for _ in range(100)))
    except OSError:
        pass  # ended: so much the better
    problem = _hears_its_queue(arena)
    flood.connection.close()
    many = _of(arena, "receptionist")
    ours = [str(arena.ours.thing("queue")) + f":{number}" for number in range(sockets.MOST_TOPICS + 80)]
    joined = 0
    for number, each in enumerate(ours):
        many.say(f'42{number}["join",{json.dumps({"topic": f"queue:{each}"})}]')
        joined += b'"ok":true' in many.until(f"43{number}".encode()).replace(b" ", b"")
    many.connection.close()
    return problem or (f"joined {joined} topics" if joined > sockets.MOST_TOPICS else None)
