"""Releases: how an archive becomes records, and how records change; each change carries its
event.
"""

from collections.abc import Mapping
from typing import TypeVar

from msgspec import Struct

from shared.domain.archives.bala import Bala
from shared.domain.change_feed import NEVER_SERVED
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import about_field
from shared.domain.events import Event
from shared.domain.packages import (
    ArchiveFacts,
    ErasedArchive,
    Head,
    Origin,
    Release,
    RequiredApproval,
    UpstreamOrigin,
)
from shared.domain.principals import MIRROR, Principal
from shared.domain.reasons import parse_required_reason
from shared.domain.release_states import Holder, PackageHold, State
from shared.domain.scans import HELD_BY_SCANNER
from shared.domain.times import utc_text
from shared.domain.transparency.leaves import READABLE_KINDS
from shared.domain.visibility import Visibility
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason

Changeable = TypeVar("Changeable", Head, Release)


def new_head(bala: Bala, *, by: Principal, now_ms: int, default_visibility: Visibility) -> Head:
    """Return the head that claims the package's name.

    The first archive decides the visibility; `default_visibility` applies where it says nothing.
    """
    return Head(
        org=bala.org,
        name=bala.name,
        visibility=bala.visibility or default_visibility,
        created_ms=now_ms,
        made_by=by.provenance.publishers if by.provenance else (),
    )


def new_release(bala: Bala, *, by: Principal, now_ms: int) -> Release:
    """Return the release, with the event of its publication in its outbox."""
    # The warnings of an archive are for its pusher; those of a release are of rules.
    facts = {name: value for name, value in bala if name != "warnings"}
    return Release(
        **facts,
        created_ms=now_ms,
        origin=Origin(principal=by.id, credential=by.credential, provenance=by.provenance),
        outbox=(_published(bala, by, now_ms),),
    )


def _published(bala: Bala, by: Principal, now_ms: int) -> Event:
    coordinate = bala.coordinate
    return Event(
        id=_event_id(coordinate, 1),
        kind="release.published",
        at_ms=now_ms,
        actor=by.id,
        subject=str(coordinate),
        org=coordinate.package.org.lower(),
        credential=by.credential,
        address=by.address,
        details={
            **_content(bala),
            **(by.provenance.event_details if by.provenance else {}),
        },
    )


def _content(archive: ArchiveFacts) -> dict[str, str]:
    return {"digest": archive.digest, "size": str(archive.size_bytes)}


def publications_of(release: Release) -> list[str]:
    """Return the ids of the events that may have published a release, the likeliest first: its
    first one, or that which confirmed it after it was held."""
    changes = range(1, min(release.revision, _MOST_CHANGES) + 1)
    return [_event_id(release.coordinate, each) for each in changes]


_MOST_CHANGES = 8  # A release that was held is confirmed by its second change, rarely a later one.


def _event_id(coordinate: Coordinate, revision: int) -> str:
    return f"{coordinate.key}@{revision}"


def mirrored_head(bala: Bala, upstream: str, visibility: Visibility, *, now_ms: int) -> Head:
    """Return the head of a package of the upstream, whatever its archive says of its visibility."""
    return Head(
        org=bala.org, name=bala.name, visibility=visibility, created_ms=now_ms, upstream=upstream
    )


def mirrored_release(bala: Bala, described: Release, origin: UpstreamOrigin) -> Release:
    """Return the release of an archive that the upstream describes, without the tools whose ids
    belong to other packages here.

    A time of publication in the future would put the release above all others for ever.
    """
    now_ms = origin.first_seen_ms
    release = new_release(bala, by=MIRROR, now_ms=now_ms)
    [published] = release.outbox
    details = {**published.details, "upstream": origin.name}
    if origin.without_tools:
        details["without_tools"] = " ".join(origin.without_tools)
    event = published.model_copy(update={"kind": "release.mirrored", "details": details})
    update: dict[str, object] = {
        "created_ms": min(described.created_ms or now_ms, now_ms),
        "changed_ms": now_ms,  # Lists that had other releases before change now.
        "tools": tuple(each for each in bala.tools if each not in origin.without_tools),
        "deprecation": described.deprecation,
        "upstream": origin,
        "outbox": (event,),
    }
    return release.model_copy(update=update)


# How a stored reason begins; publishers themselves read "you" instead.
PUBLISHER_WORDS = "its publisher"


def held_for_owner(release: Release, reason: str) -> Release:
    """Return a new release as held until an owner confirms it; its event says so."""
    held = _held(release, "release.awaiting-owner", reason, Holder.ADMINISTRATOR)
    return held.model_copy(update={"is_held_for_owner": True})


def held_for_package(release: Release, hold: PackageHold) -> Release:
    """Return a new release as held until its package is no longer; its event says so."""
    return _held(release, "release.awaiting-case", waiting_reason(hold), Holder.PACKAGE)


def held_for_review(release: Release, approval: RequiredApproval) -> Release:
    """Return a new release as held until people approve it; its event says so."""
    needed = str(approval.needed)
    kind = "release.awaiting-review"
    return _held(release, kind, approval.reason, Holder.REVIEW, approvals=needed)


def held_for_scanner(release: Release, reason: str) -> Release:
    """Return a new release as held until administrators decide on it; its event says so."""
    return _held(release, "release.awaiting-scan", reason, Holder.ADMINISTRATOR)


def is_held_by_scanner(release: Release) -> bool:
    """Check whether the release is held since the scanner did not accept its archive."""
    return release.state is State.HELD and release.state_reason.startswith(HELD_BY_SCANNER)


def held_for_sigstore(release: Release) -> Release:
    """Return a new release as held until its Sigstore bundle comes; its event says so."""
    return _held(release, "release.awaiting-sigstore", WAITS_FOR_SIGSTORE, Holder.SIGSTORE)


def _held(release: Release, kind: str, reason: str, holder: Holder, **details: str) -> Release:
    """Return a new release as held; its event becomes one of this kind, with the reason."""
    [published] = release.outbox
    details = {**published.details, "reason": reason, **details}
    event = published.model_copy(update={"kind": kind, "details": details})
    update = {"state": State.HELD, "state_reason": reason, "holder": holder, "outbox": (event,)}
    return release.model_copy(update=update)


WAITS_FOR_SIGSTORE = "its organization requires a Sigstore bundle, which has not come yet"


NAME_RESEMBLES = "its name could be confused"  # How the reason of such a hold begins.


def waiting_reason(hold: PackageHold) -> str:
    """Return why a release of a package that is held as a whole waits."""
    if hold.resembles:
        return hold.reason
    return f"its package is held: {hold.reason}"


class Decision(Struct, frozen=True):
    """A new state of a release; `reason` is for its owners, `public` for everybody."""

    state: State
    reason: str = ""
    public: PublicReason | None = None
    is_refusal: bool = False  # An owner refused it, so the release was never published.
    holder: Holder = Holder.ADMINISTRATOR  # Who holds the release, if it is held.

    @property
    def reasons(self) -> tuple[str, PublicReason | None]:
        return self.reason, self.public


WAITING_FOR_SIGSTORE = Decision(State.HELD, WAITS_FOR_SIGSTORE, holder=Holder.SIGSTORE)


def next_decision(head: Head, release: Release) -> Decision:
    """Return the state of a release that an owner or administrators no longer hold: it is
    published, unless it waits for something else."""
    if head.hold:
        return Decision(State.HELD, waiting_reason(head.hold), holder=Holder.PACKAGE)
    if release.approval and release.needs_approval:
        return Decision(State.HELD, release.approval.reason, holder=Holder.REVIEW)
    if release.needs_sigstore:
        return WAITING_FOR_SIGSTORE
    return Decision(State.LIVE)


def with_decision(
    release: Release, kind: str, decision: Decision, *, by: Principal, now_ms: int
) -> Release:
    """Return the release in the state that was decided on, with the event of the decision. It waits
    for nobody any more.

    If it is withheld before it was ever served, outsiders know as little of it as while it waited.
    """
    is_unserved = release.was_never_served or release.is_waiting or is_held_by_scanner(release)
    changed = with_change(
        release,
        kind,
        by=by,
        now_ms=now_ms,
        state=decision.state,
        state_reason=decision.reason,
        # Set in every case, because only this reason is sent to those who may not read the reason
        # for owners.
        public_reason=decision.public,
    )
    marks: dict[str, object] = {
        "is_held_for_owner": False,
        "holder": decision.holder,
        "refused": release.refused or decision.is_refusal,
        "was_never_served": is_unserved and decision.state is not State.LIVE,
    }
    details: dict[str, str] = {}
    if decision.state is State.LIVE:
        details = _content(release)  # It may be published by this, so the event says what is.
    elif is_unserved:
        details = {NEVER_SERVED: "true"}
    if details:
        *earlier, event = changed.outbox
        details = {**event.details, **details}
        marks["outbox"] = (*earlier, event.model_copy(update={"details": details}))
    return changed.model_copy(update=marks)


def disclosed(release: Release, head: Head, before: Release | None = None) -> Release:
    """Return a new or changed release with its new events marked as public, where everybody may
    read its package, and it is served or was disclosed before; `before` is the release before the
    change.

    A release that was held since its publication is not disclosed until it is served.
    """
    if head.visibility is not Visibility.PUBLIC:
        return release
    was_disclosed = before is not None and (before.is_disclosed or before.state is State.LIVE)
    if not was_disclosed and release.state is not State.LIVE:
        return release
    since = len(before.outbox) if before else 0
    events = tuple(
        event.model_copy(update={"public": event.kind in READABLE_KINDS})
        for event in release.outbox[since:]
    )
    update = {"is_disclosed": True, "outbox": (*release.outbox[:since], *events)}
    return release.model_copy(update=update)


def with_removal(
    release: Release,
    removed_ms: int | None,
    *,
    why: str,
    is_final: bool,
    by: Principal,
    now_ms: int,
) -> Release:
    """Return a mirrored release marked as removed from its upstream since `removed_ms`, with the
    public reason `why` if the upstream gives one, or as there again if `removed_ms` is None.

    A release that is marked so already, or that was published here, is returned unchanged.
    """
    origin = release.upstream
    if origin is None:
        return release
    reason = WithdrawalReason(why) if why else None
    said_upstream = (removed_ms is None, reason, is_final)
    if said_upstream == (
        origin.removed_ms is None,
        origin.removed_because,
        origin.removed_for_good,
    ):
        return release
    kind = "mirror.restored" if removed_ms is None else "mirror.removed"
    origin = origin.model_copy(
        update={"removed_ms": removed_ms, "removed_because": reason, "removed_for_good": is_final}
    )
    return with_change(release, kind, by=by, now_ms=now_ms, upstream=origin)


def with_erasure(release: Release, erased: ErasedArchive, *, by: Principal) -> Release:
    """Return a removed release without what its archive said of its content; the event names the
    digest. `changed_ms` stays, since it says when the release was withdrawn."""
    changed = with_change(release, "release.erased", by=by, now_ms=erased.at_ms, erased=erased)
    *earlier, event = changed.outbox
    details = {"erased": str(erased), "digest": release.digest}
    if erased.copies_until_ms is not None:
        details["copies_until"] = utc_text(erased.copies_until_ms)
    outbox = (*earlier, event.model_copy(update={"details": details}))
    nothing: dict[str, object] = {"authors": (), "keywords": (), "entries_hash": None}
    nothing |= {"signatures": (), "statements": "", "sigstore": ""}
    nothing |= {"summary": "", "source_repository": "", "icon": ""}
    return changed.model_copy(
        update={**nothing, "changed_ms": release.changed_ms, "outbox": outbox}
    )


def with_change(
    record: Changeable, kind: str, *, by: Principal, now_ms: int, reason: str = "", **update: object
) -> Changeable:
    """Return `record` with the fields of `update`, and the event of the change in its outbox, whose
    details say the fields, and the reason of an administrator. That of a package is public where
    the package is; those of releases are marked by `disclosed`.

    The event's id holds the new revision, so a change that is written twice is one event.
    """
    subject = record.coordinate if isinstance(record, Release) else record.package
    event = Event(
        # Versions are compared with case: earlier versions published some that differ only in case.
        id=f"{subject.key}@{record.revision + 1}",
        kind=kind,
        at_ms=now_ms,
        actor=by.id,
        subject=str(subject),
        org=record.org.lower(),
        credential=by.credential,
        address=by.address,
        details={
            **{field: _shown(value) for field, value in update.items()},
            **{f"{field}_before": _shown(getattr(record, field)) for field in update},
            **({"reason": reason} if reason else {}),
        },
        public=isinstance(record, Head) and kind in READABLE_KINDS and _is_public(record, update),
    )
    outbox = (*record.outbox, event)
    return record.model_copy(update={**update, "changed_ms": now_ms, "outbox": outbox})


def _is_public(head: Head, update: Mapping[str, object]) -> bool:
    """Check whether everybody may read the package before or after the change."""
    return Visibility.PUBLIC in (head.visibility, update.get("visibility"))


def _shown(value: object) -> str:
    return "" if value is None else str(getattr(value, "value", value))


def parse_decision_reason(text: str, about: object) -> str:
    """Return the reason of a decision; raise `reason-missing` about its field."""
    with about_field("reason"):
        return parse_required_reason(text, f"the decision about {about}")
