"""Events: who tells what, who hears it. A transactional outbox with one delivery per subscriber.

``publish`` collects the event and one delivery per subscriber; the unit of work writes them in the
transaction that made the event true. Teller and hearer share only the dataclass in ``clinic_web/events``.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Protocol
from uuid import UUID

from clinic_web.kernel import acting, clock, unit_of_work
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.ids import new_id

EVENTS_QUEUE = "events"


class Event(Protocol):
    """A frozen dataclass: ids, numbers and times, at most a tuple of such lines; never names or diagnoses.

    ``TOPIC`` is its name on the wire; ``AGGREGATE`` says whose history it belongs to and which of its fields
    holds that row's id, for example ``("visit", "visit_id")``.
    """

    TOPIC: ClassVar[str]
    AGGREGATE: ClassVar[tuple[str, str]]
    __dataclass_fields__: ClassVar[dict[str, Any]]


Handler = Callable[[Any], None]


@dataclass(frozen=True)
class Subscription:
    """One handler of one kind of event. ``consumer`` is its lasting name, as deliveries keep it.

    ``concerns``: which of these events are for it; without it all are.
    """

    consumer: str
    schema: str
    event: type[Event]
    handler: Handler
    queue: str
    concerns: Callable[[Any], bool] | None = None


_event_types: dict[str, type[Event]] = {}
_by_topic: dict[str, list[Subscription]] = {}
_by_consumer: dict[str, Subscription] = {}


def subscribe(
    event: type[Event],
    handler: Handler,
    *,
    schema: str,
    queue: str = EVENTS_QUEUE,
    concerns: Callable[[Any], bool] | None = None,
) -> None:
    """Let ``handler`` hear ``event``. ``schema`` is the module's, where its ``processed_events`` lies.

    ``concerns`` looks at the event's fields, nothing else: what is not for the handler is not even delivered.
    """
    consumer = f"{schema}.{handler.__name__}:{event.TOPIC}"
    if consumer in _by_consumer:
        return
    subscription = Subscription(consumer, schema, event, handler, queue, concerns)
    _event_types[event.TOPIC] = event
    _by_consumer[consumer] = subscription
    _by_topic.setdefault(event.TOPIC, []).append(subscription)


def subscription_of(consumer: str) -> Subscription | None:
    return _by_consumer.get(consumer)


def subscriptions() -> list[Subscription]:
    return list(_by_consumer.values())


def acts_for(subscription: Subscription) -> str:
    """Return for whom a subscriber works: the tenant that the event names, or else nobody's."""
    names_tenant = "organization_id" in subscription.event.__dataclass_fields__
    return acting.EVENTS_TENANT if names_tenant else acting.NO_TENANT


def subscribers(event: type[Event]) -> Sequence[Subscription]:
    """Return who hears a kind of event; complete once the app is wired."""
    return _by_topic.get(event.TOPIC, ())


def queues() -> set[str]:
    """Return the names of all queues that some subscriber's deliveries go to."""
    return {subscription.queue for subscription in _by_consumer.values()}


def publish(event: Event, actor: Actor) -> UUID:
    """Tell ``event`` when, and only if, the current transaction commits. Return its id."""
    work = unit_of_work.current()
    event_id = new_id()
    aggregate_type, id_field = event.AGGREGATE
    work.collected["events"].append(
        {
            "id": str(event_id),
            "organization_id": str(actor.organization_id),
            "event_type": event.TOPIC,
            "aggregate_type": aggregate_type,
            "aggregate_id": str(getattr(event, id_field)),
            "event_data": to_data(event),
            "user_id": str(actor.user_id) if actor.user_id else None,
            "occurred_at": clock.now().isoformat(),
        }
    )
    for each in _by_topic.get(event.TOPIC, ()):
        if each.concerns is not None and not each.concerns(event):
            continue
        delivery = {"event_id": str(event_id), "consumer": each.consumer, "queue": each.queue}
        work.collected["deliveries"].append(delivery)
        work.queues.add(each.queue)
    return event_id


def to_data(event: Event) -> dict[str, Any]:
    """Return the event's fields as JSON values: ids, dates and money as text, lines as objects."""
    return typing.cast(dict[str, Any], json.loads(json.dumps(_fields_of(event), default=_plain)))


def _fields_of(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def _plain(value: Any) -> Any:
    return _fields_of(value) if dataclasses.is_dataclass(value) else str(value)


def from_data(event: type[Event], data: dict[str, Any]) -> Event:
    """Return the event that ``to_data`` wrote. Fields added since then take their defaults."""
    return typing.cast(Event, _record(event, data))


def _record(kind: type[Any], data: dict[str, Any]) -> Any:
    hints = _hints(kind)
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: _typed(hints[name], value) for name, value in data.items() if name in known})


_hints_of: dict[type, dict[str, Any]] = {}


def _hints(kind: type[Any]) -> dict[str, Any]:
    if kind not in _hints_of:
        _hints_of[kind] = typing.get_type_hints(kind)
    return _hints_of[kind]


def _typed(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if typing.get_origin(hint) is tuple:  # lines of one kind: ``tuple[OrderLine, ...]``
        return tuple(_record(typing.get_args(hint)[0], each) for each in value)
    kind = next((arg for arg in typing.get_args(hint) if arg is not type(None)), hint)
    parsers: dict[Any, Callable[[str], Any]] = {
        UUID: UUID,
        Decimal: Decimal,
        datetime: datetime.fromisoformat,
        date: date.fromisoformat,
    }
    return parsers[kind](value) if kind in parsers else value
