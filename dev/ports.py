"""Choosing TCP ports on 127.0.0.1."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from dev import say

# Below the range from which systems take the ports of outgoing connections, so that the port
# noted today is still free tomorrow.
PRIVATE_PORTS = range(20_000, 32_000)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def kept(note: Path) -> int:
    """The port noted in the file while it is free; otherwise another, noted there."""
    if note.exists():
        port = int(note.read_text())
        if is_free(port):
            return port
    port = _choose()
    note.write_text(f"{port}\n")
    return port


def _choose() -> int:
    for port in random.sample(PRIVATE_PORTS, 200):
        if is_free(port):
            return port
    raise say.Stop("Found no free TCP port on 127.0.0.1 between 20000 and 32000.")
