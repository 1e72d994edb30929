"""A process of its own, which may be killed or frozen on its way: a fork of the test's.

It has connections of its own. An interpreter that loads the program anew takes two seconds; a fork has all
of it at once.
"""

from __future__ import annotations

import os
import signal
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from flask import Flask

from clinic_web.kernel import failpoints, tenant
from clinic_web.kernel.db import db


@dataclass(frozen=True)
class Ended:
    """``code`` is negative for a signal, as with `subprocess`; ``said``: the work's result, or its error."""

    code: int
    said: str


@dataclass
class Apart:
    pid: int
    mouth: int

    def wait(self) -> Ended:
        with os.fdopen(self.mouth, encoding="utf-8") as pipe:
            said = pipe.read()
        _, status = os.waitpid(self.pid, 0)
        return Ended(os.waitstatus_to_exitcode(status), said)

    def wait_until_stopped(self) -> None:
        """Wait for the kernel's word that it is frozen."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "it ended before its failpoint"

    def kill(self) -> Ended:
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()


def run(app: Flask, work: Callable[[], object], failpoint: str = "") -> Ended:
    """Do ``work``, for nobody's tenant, and wait. A ``failpoint``: "transaction.after_commit=kill"."""
    return start(app, work, failpoint).wait()


def start(app: Flask, work: Callable[[], object], failpoint: str = "") -> Apart:
    ear, mouth = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which the child does without
        pid = os.fork()
    if not pid:
        os.close(ear)
        _be_apart(app, work, failpoint, mouth)
    os.close(mouth)
    return Apart(pid, ear)


def _be_apart(app: Flask, work: Callable[[], object], failpoint: str, mouth: int) -> NoReturn:
    """Never returns into the test: whatever happens, the process ends here."""
    code = 1
    try:
        name, _, action = failpoint.partition("=")
        failpoints.disarm()
        if name:
            failpoints.arm(name, action)
        with app.app_context():
            db.engine.dispose(close=False)  # the parent's connections stay the parent's
            with tenant.of(tenant.NOBODY):
                said = str(work())
        code = 0
    except BaseException:
        said = traceback.format_exc()
    os.write(mouth, said.encode())
    os._exit(code)
