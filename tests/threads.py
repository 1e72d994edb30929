"""Threads that work for the tenant of whoever starts them, as requests and jobs do for theirs."""

from __future__ import annotations

from concurrent import futures
from contextvars import copy_context
from threading import Thread
from typing import Any


class ThreadPoolExecutor(futures.ThreadPoolExecutor):
    """A pool whose work knows what its giver knows."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> futures.Future[Any]:
        return super().submit(copy_context().run, fn, *args, **kwargs)


def thread(target: Any, *args: Any) -> Thread:
    """Return a thread that knows what its maker knows."""
    return Thread(target=copy_context().run, args=(target, *args))
