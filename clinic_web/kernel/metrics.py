"""What Prometheus reads: counts of this process's requests, and the state of queues and servers when asked.

Counters are summed over all processes of one gunicorn through files in ``PROMETHEUS_MULTIPROC_DIR`` (see
``gunicorn.conf.py``). What PostgreSQL or Redis know is read at the moment of the scrape, by whichever process
answers it. A label is never an id, a name or anything else that grows with the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

from clinic_web.kernel.db import db

logger = structlog.get_logger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

requests = Histogram(
    "clinic_http_request_seconds",
    "Time to answer a request, by route (its pattern, never its address), method and status",
    ["method", "route", "status"],
    buckets=BUCKETS,
)
sockets = Gauge(
    "clinic_sockets", "Open sockets: people's browsers and displays", ["kind"], multiprocess_mode="livesum"
)
connections = Gauge(
    "clinic_database_connections_in_use", "Connections taken from the pools now", multiprocess_mode="livesum"
)
pool_size = Gauge(
    "clinic_database_pool_size", "Connections that the pools may open", multiprocess_mode="livesum"
)


@cache
def requests_of(method: str, route: str, status: int) -> Histogram:
    """Return the counts of one kind of request, as ``labels`` does at twice the price."""
    return requests.labels(method, route, status)


# What one reading returns: a figure, figures by label, or None when it is not to be had just now.
Read = Callable[[], "float | Mapping[str, float] | None"]


@dataclass(frozen=True)
class Reading:
    """A gauge that is read when Prometheus asks. ``label`` names the label of several figures."""

    name: str
    help: str
    read: Read
    label: str | None = None


_readings: dict[str, Reading] = {}


def reading(name: str, help: str, read: Read, *, label: str | None = None) -> None:
    """Register a gauge ``clinic_<name>``. ``read`` runs at each scrape in an app context: a cheap query."""
    _readings[name] = Reading(f"clinic_{name}", help, read, label)


def watch_pool(engine: Engine) -> None:
    """Count the connections that are taken from the engine's pool and given back."""
    # Not now: the process that loads the program forks others, and uses no pool itself.
    event.listen(engine, "connect", lambda *_: pool_size.set(engine.pool.size()))  # type: ignore[attr-defined]
    event.listen(engine, "checkout", lambda *_: connections.inc())
    event.listen(engine, "checkin", lambda *_: connections.dec())


def scrape() -> bytes:
    """Return everything in Prometheus' text format. Never fails: what can't be read is left out."""
    registry = CollectorRegistry()
    registry.register(_Readings())
    return generate_latest(_counted()) + generate_latest(registry)


def _counted() -> CollectorRegistry:
    """What processes count: of all of them where they share a folder, of this one otherwise."""
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:  # no folder: a single process, as in tests
        return REGISTRY
    return registry


class _Readings(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        for each in _readings.values():
            value = _read(each)
            if isinstance(value, Mapping):
                family = GaugeMetricFamily(each.name, each.help, labels=[each.label or "what"])
                for label, figure in sorted(value.items()):
                    family.add_metric([label], figure)
                yield family
            elif value is not None:
                yield GaugeMetricFamily(each.name, each.help, value=value)


def _read(each: Reading) -> Any:
    try:
        return each.read()
    except SQLAlchemyError as error:
        db.session.rollback()
        logger.warning("metric_not_read", metric=each.name, error_type=type(error).__name__)
        return None
