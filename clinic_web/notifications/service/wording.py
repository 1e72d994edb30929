"""An organization's own words for a kind of message: keep them, show them, go back to the shipped ones."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications import texts
from clinic_web.notifications.kinds import KINDS, Kind
from clinic_web.notifications.models import NotificationTemplate
from clinic_web.notifications.texts import BRACES, PLACEHOLDER, Wording

MANAGE = "message.manage"
LANGUAGES = ("en", "ar")
LONGEST_SUBJECT, LONGEST_BODY = 120, 600
MOVED_ON = N_("Somebody else changed this while you worked.")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How a kind is worded in a language. ``version`` 0: never changed here."""

    kind: Kind
    language: str
    wording: Wording
    is_own: bool
    version: int


def all_of(actor: Actor) -> list[Shown]:
    """Return every kind in every language, in their order."""
    mine = select(NotificationTemplate).where(NotificationTemplate.organization_id == actor.organization_id)
    rows = {(row.event_trigger, row.language): row for row in db.session.scalars(mine)}
    return [
        _shown(kind, language, rows.get((kind.name, language)))
        for kind in KINDS.values()
        for language in LANGUAGES
    ]


def one(actor: Actor, name: str, language: str) -> Shown:
    """Return how a kind is worded in a language. Raises NotFound (404)."""
    return _shown(_kind(name, language), language, _row(actor, name, language))


def keep(actor: Actor, name: str, language: str, wanted: Wording, *, version: int) -> None:
    """Let the kind say this from now on.

    Raises NotFound (404), InvalidForm (422), StaleScreen (409) with both sides.
    """
    actor.require(MANAGE)
    check(_kind(name, language), wanted)
    with transaction():
        row = _row(actor, name, language, lock=True)
        before = _shown(KINDS[name], language, row)
        if before.version != version:
            raise StaleScreen(MOVED_ON, _differences(wanted, before.wording))
        if row is None:
            row = _new_row(actor, name, language)
        row.subject, row.body_template, row.is_active = wanted.subject, wanted.body, True
        row.updated_by = actor.user_id
        _flushed()
        audit.changed(
            actor, "message.word", "message_template", row.id, old=_audited(before), new=_audited_as(wanted)
        )


def reset(actor: Actor, name: str, language: str, *, version: int) -> None:
    """Go back to the shipped words. Raises NotFound (404), StaleScreen (409)."""
    actor.require(MANAGE)
    with transaction():
        before = one(actor, name, language)
        row = _row(actor, name, language, lock=True)
        if before.version != version:
            raise StaleScreen(MOVED_ON)
        if row is None or not row.is_active:
            return
        row.is_active, row.updated_by = False, actor.user_id
        after = texts.shipped(name, language)
        audit.changed(
            actor, "message.word", "message_template", row.id, old=_audited(before), new=_audited_as(after)
        )


def check(kind: Kind, wanted: Wording) -> None:
    """Raise InvalidForm (422) unless the text can be sent: no word unknown, no brace left over."""
    errors: dict[str, DomainError] = {}
    for name, typed, longest in (
        ("subject", wanted.subject, LONGEST_SUBJECT),
        ("body", wanted.body, LONGEST_BODY),
    ):
        if found := _wrong(kind, typed, longest, name):
            errors[name] = found
    if errors:
        raise InvalidForm(errors)


def _wrong(kind: Kind, typed: str, longest: int, field: str) -> DomainError | None:
    unknown = [word for word in PLACEHOLDER.findall(typed) if word not in kind.words]
    if not typed:
        return RuleBroken(N_("Please fill this in."), field=field)
    if len(typed) > longest:
        return RuleBroken(N_("At most %(most)s characters."), field=field, most=longest)
    if unknown:
        return RuleBroken(N_("%(word)s can not stand in this message."), field=field, word=unknown[0])
    if BRACES.search(PLACEHOLDER.sub("", typed)):
        return RuleBroken(N_("A brace has no partner. Words to be filled in look so: {{when}}."), field=field)
    return None


def _kind(name: str, language: str) -> Kind:
    if name not in KINDS or language not in LANGUAGES:
        raise NotFound
    return KINDS[name]


def _row(actor: Actor, name: str, language: str, *, lock: bool = False) -> NotificationTemplate | None:
    mine = select(NotificationTemplate).where(
        NotificationTemplate.organization_id == actor.organization_id,
        NotificationTemplate.event_trigger == name,
        NotificationTemplate.language == language,
    )
    mine = mine.with_for_update() if lock else mine
    return db.session.scalar(mine.execution_options(populate_existing=True))


def _new_row(actor: Actor, name: str, language: str) -> NotificationTemplate:
    row = NotificationTemplate(
        organization_id=actor.organization_id,
        template_name=f"{name}.{language}",
        event_trigger=name,
        language=language,
        created_by=actor.user_id,
    )
    db.session.add(row)
    return row


def _flushed() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:  # the first words of a kind, kept by two at once
        raise StaleScreen(MOVED_ON) from error


def _shown(kind: Kind, language: str, row: NotificationTemplate | None) -> Shown:
    is_own = row is not None and row.is_active
    return Shown(
        kind=kind,
        language=language,
        wording=Wording(row.subject, row.body_template)
        if row is not None and is_own
        else texts.shipped(kind.name, language),
        is_own=is_own,
        version=row.version if row else 0,
    )


def _differences(wanted: Wording, now: Wording) -> dict[str, tuple[str, str]]:
    sides = {"subject": (wanted.subject, now.subject), "body": (wanted.body, now.body)}
    return {name: pair for name, pair in sides.items() if pair[0] != pair[1]}


def _audited(shown: Shown) -> dict[str, str]:
    return _audited_as(shown.wording)


def _audited_as(wording: Wording) -> dict[str, str]:
    return {"subject": wording.subject, "body": wording.body}
