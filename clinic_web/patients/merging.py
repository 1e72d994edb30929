"""Two records of one person become one, and two again when it was a mistake. No row moves either way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.events.patients import PatientMerged, PatientUnmerged
from clinic_web.kernel import bus, clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients import access, chart, checks, links, queries, shown
from clinic_web.patients.checks import Finding
from clinic_web.patients.links import Group
from clinic_web.patients.models import Patient, PatientLink
from clinic_web.patients.queries import PatientCard

SAME = N_("These two are one patient already.")
MOVED_ON = N_("One of these two was changed meanwhile. Please compare them again.")
LONGEST_REASON = 300


@dataclass(frozen=True, kw_only=True)
class Merge:
    """``from_merged`` names the fields (of ``shown.FIELDS``) that the merged record is right about.

    The versions are those of the two records as they were compared.
    """

    survivor_id: UUID
    merged_id: UUID
    from_merged: tuple[str, ...]
    reason: str
    survivor_version: int
    merged_version: int


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of two records as it is shown: the card and the values of every column."""

    card: PatientCard
    values: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Both sides and what the modules say to it."""

    survivor: Side
    merged: Side
    findings: list[Finding]

    @property
    def is_in_the_way(self) -> bool:
        return any(each.is_in_the_way for each in self.findings)


@dataclass(frozen=True, kw_only=True)
class Done:
    """The patient as shown from now on, and the row that says so."""

    card: PatientCard
    link_id: UUID


def preview(actor: Actor, survivor_id: UUID, merged_id: UUID) -> Preview:
    """Return both as they are shown now, and run every module's check; the look is noted for both.

    Raises NotFound (404), ChartClosed (403), RuleBroken (422) when the two are one already.
    """
    with transaction():
        ours, theirs = _two_groups(actor, survivor_id, merged_id)
        audit.saw(actor, "compare", "patient", ids=[ours.survivor, theirs.survivor])
        return Preview(
            survivor=_side(actor, ours.survivor),
            merged=_side(actor, theirs.survivor),
            findings=checks.findings(actor, ours.ids, theirs.ids),
        )


def merge(actor: Actor, wanted: Merge, *, key: str | None) -> Done:
    """Show two records as one from now on, everywhere at once.

    Raises RuleBroken (422: no reason, a check in the way), StaleScreen (409: one of the two was changed or
    merged since they were compared), ChartClosed (403), NotFound (404), BadRequest (400) without a key.
    """
    with transaction():
        claim = idempotency.claim(actor, "patient.merge", key, asdict(wanted))
        if claim.answer is not None:
            return Done(card=queries.card(actor, wanted.survivor_id), link_id=UUID(claim.answer["link_id"]))
        reason = wanted.reason.strip()[:LONGEST_REASON]
        if not reason:
            raise RuleBroken(N_("Say why these two are one person."), field="reason")
        survivor, merged = _locked(actor, wanted)
        ours, theirs = links.group_of(survivor.id), links.group_of(merged.id)
        _enter_charts(actor, ours, theirs)
        _refuse_what_is_in_the_way(actor, ours, theirs)
        link = _link(actor, survivor, merged, wanted.from_merged, reason)
        claim.keep({"link_id": str(link.id)})
        _tell_merged(actor, link)
        return Done(card=queries.card(actor, survivor.id), link_id=link.id)


def _two_groups(actor: Actor, survivor_id: UUID, merged_id: UUID) -> tuple[Group, Group]:
    for each in (survivor_id, merged_id):
        access.patient_for(actor, each)
    ours, theirs = links.group_of(survivor_id), links.group_of(merged_id)
    if ours.survivor == theirs.survivor:
        raise RuleBroken(SAME)
    _enter_charts(actor, ours, theirs)
    return ours, theirs


def _enter_charts(actor: Actor, ours: Group, theirs: Group) -> None:
    """Who may not compare two records can't say that they are one."""
    for group in (ours, theirs):
        chart.enter(actor, group.survivor)


def _side(actor: Actor, patient_id: UUID) -> Side:
    patient = access.patient_for(actor, patient_id)
    return Side(card=queries.card(actor, patient_id), values=shown.values_of(patient))


def _locked(actor: Actor, wanted: Merge) -> tuple[Patient, Patient]:
    """Lock both records, always the older first, so that two merges at once wait instead of making a ring.

    Only records that are merged into nobody can be linked, and both stay locked until the commit: so links
    never lead back to where they began.
    """
    if wanted.survivor_id == wanted.merged_id:
        raise RuleBroken(SAME)
    ids = sorted((wanted.survivor_id, wanted.merged_id))
    found = {each: access.patient_to_change(actor, each) for each in ids}
    survivor, merged = found[wanted.survivor_id], found[wanted.merged_id]
    if any(shown_as != each for each, shown_as in links.survivors_of(ids).items()):
        raise StaleScreen(N_("One of these two was merged meanwhile. Please compare them again."))
    if (survivor.version, merged.version) != (wanted.survivor_version, wanted.merged_version):
        raise StaleScreen(MOVED_ON)
    return survivor, merged


def _refuse_what_is_in_the_way(actor: Actor, ours: Group, theirs: Group) -> None:
    for finding in checks.findings(actor, ours.ids, theirs.ids):
        if finding.is_in_the_way:
            raise RuleBroken(finding.sentence, **finding.values)


def _link(
    actor: Actor, survivor: Patient, merged: Patient, from_merged: Sequence[str], reason: str
) -> PatientLink:
    """Write the one row. A field that the merged record has from an earlier merge keeps that source."""
    sources = shown.sources(shown.taken_by(merged.id))
    link = PatientLink(
        id=new_id(),
        organization_id=actor.organization_id,
        survivor_id=survivor.id,
        merged_id=merged.id,
        fields={field: str(sources.get(field, merged.id)) for field in shown.FIELDS if field in from_merged},
        reason=reason,
        merged_at=clock.now(),
        merged_by=actor.user_id,
    )
    db.session.add(link)
    db.session.flush()
    return link


def _tell_merged(actor: Actor, link: PatientLink) -> None:
    audit.saw(actor, "merge", "patient", link.survivor_id)
    audit.saw(actor, "merge", "patient", link.merged_id)
    audit.changed(
        actor, "patient.merge", "patient_link", link.id, old=None,
        new={"survivor_id": link.survivor_id, "merged_id": link.merged_id, "fields": sorted(link.fields)},
    )  # fmt: skip
    bus.publish(
        PatientMerged(
            organization_id=actor.organization_id,
            patient_id=link.survivor_id,
            merged_id=link.merged_id,
            link_id=link.id,
        ),
        actor,
    )


def unmerge(actor: Actor, link_id: UUID, *, reason: str = "") -> PatientCard:
    """Make two patients of what was merged, at any time and in any order; return the survivor's card.

    Raises StaleScreen (409) when it was undone already, NotFound (404).
    """
    with transaction():
        link = _link_to_close(actor, link_id)
        _forget_what_came_from(links.below(link.merged_id), link.survivor_id)
        link.closed_at, link.closed_by = clock.now(), actor.user_id
        link.close_reason = reason.strip()[:LONGEST_REASON] or None
        db.session.flush()
        for each in (link.survivor_id, link.merged_id):
            audit.saw(actor, "unmerge", "patient", each)
        audit.changed(
            actor, "patient.unmerge", "patient_link", link.id, old={"closed_at": None},
            new={"closed_at": link.closed_at},
        )  # fmt: skip
        bus.publish(
            PatientUnmerged(
                organization_id=actor.organization_id,
                patient_id=link.survivor_id,
                merged_id=link.merged_id,
                link_id=link.id,
            ),
            actor,
        )
        return queries.card(actor, link.survivor_id)


def _link_to_close(actor: Actor, link_id: UUID) -> PatientLink:
    """Lock the two records as a merge does, so that nobody builds upon the link while it is closed."""
    wanted = select(PatientLink).where(
        PatientLink.id == link_id, PatientLink.organization_id == actor.organization_id
    )
    link = db.session.scalars(wanted).one_or_none()
    if link is None:
        raise NotFound
    for each in sorted((link.survivor_id, link.merged_id)):
        access.patient_to_change(actor, each)
    db.session.refresh(link)
    if link.closed_at is not None:
        raise StaleScreen(N_("This merge was undone already."))
    return link


def _forget_what_came_from(leaving: list[UUID], patient_id: UUID) -> None:
    """Later merges may show a field of a record that leaves now: they go on with what they have otherwise."""
    gone = {str(each) for each in leaving}
    above = _link_of(patient_id)
    while above is not None:
        above.fields = {field: source for field, source in above.fields.items() if source not in gone}
        above = _link_of(above.survivor_id)


def _link_of(merged_id: UUID) -> PatientLink | None:
    return db.session.scalars(
        select(PatientLink).where(PatientLink.merged_id == merged_id, PatientLink.closed_at.is_(None))
    ).one_or_none()


def show_telephone_of(patient_id: UUID, record_id: UUID) -> None:
    """Show the telephone of one of the patient's merged records: somebody typed it for the patient."""
    link = _link_of(record_id)
    while link is not None:
        link.fields = {**link.fields, "phone": str(record_id)}
        link = _link_of(link.survivor_id) if link.survivor_id != patient_id else None


def forget_fields(patient_id: UUID, fields: set[str]) -> None:
    """Show the patient's own ``fields`` from now on: somebody has just typed them."""
    for link in db.session.scalars(
        select(PatientLink).where(PatientLink.survivor_id == patient_id, PatientLink.closed_at.is_(None))
    ):
        link.fields = {field: source for field, source in link.fields.items() if field not in fields}
