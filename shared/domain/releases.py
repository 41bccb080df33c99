"""Releases: how an archive becomes records, and how records change; each change carries its
event.
"""

from dataclasses import dataclass
from typing import TypeVar

from shared.domain.archives.bala import Bala
from shared.domain.identity import Principal
from shared.domain.packages import (
    Head,
    Origin,
    PublicReason,
    Release,
    State,
    UpstreamOrigin,
    Visibility,
)
from shared.domain.records import Event

Changeable = TypeVar("Changeable", Head, Release)

MIRROR_ID = "mirror"  # The publisher of mirrored releases; shorter than any account's id.


def new_head(
    bala: Bala, *, by: Principal, now_ms: int, default_visibility: Visibility = Visibility.PUBLIC
) -> Head:
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
    return Release(
        **dict(bala),
        created_ms=now_ms,
        origin=Origin(principal=by.id, credential=by.credential, provenance=by.provenance),
        outbox=(_published(bala, by, now_ms),),
    )


def _published(bala: Bala, by: Principal, now_ms: int) -> Event:
    coordinate = bala.coordinate
    return Event(
        id=f"{coordinate.key}@1",
        kind="release.published",
        at_ms=now_ms,
        actor=by.id,
        subject=str(coordinate),
        org=coordinate.package.org.lower(),
        credential=by.credential,
        address=by.address,
        details={
            "digest": bala.digest,
            **(by.provenance.event_details if by.provenance else {}),
        },
    )


def mirrored_head(bala: Bala, upstream: str, visibility: Visibility, *, now_ms: int) -> Head:
    """Return the head of a package of the upstream, whatever its archive says of its visibility."""
    return Head(
        org=bala.org,
        name=bala.name,
        visibility=visibility,
        created_ms=now_ms,
        upstream=upstream,
    )


def mirrored_release(bala: Bala, described: Release, origin: UpstreamOrigin) -> Release:
    """Return the release of an archive that the upstream describes, without the tools whose ids
    belong to other packages here.

    A time of publication in the future would put the release above all others for ever.
    """
    now_ms = origin.first_seen_ms
    release = new_release(bala, by=Principal(id=MIRROR_ID), now_ms=now_ms)
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


def held_for_owner(release: Release, reason: str) -> Release:
    """Return a new release as held until an owner confirms it; its event says so."""
    [published] = release.outbox
    details = {**published.details, "reason": reason}
    held = published.model_copy(update={"kind": "release.awaiting-owner", "details": details})
    update = {
        "state": State.HELD,
        "state_reason": reason,
        "awaits_owner": True,
        "outbox": (held,),
    }
    return release.model_copy(update=update)


@dataclass(frozen=True, slots=True)
class Decision:
    """A new state of a release; `reason` is for its owners, `public` for everybody."""

    state: State
    reason: str = ""
    public: PublicReason | None = None
    is_refusal: bool = False  # Of an owner, so the release was never published.

    @property
    def reasons(self) -> tuple[str, PublicReason | None]:
        return self.reason, self.public


def with_decision(
    release: Release, kind: str, decision: Decision, *, by: Principal, now_ms: int
) -> Release:
    """Return the release in the state, with the event of that; it waits for no owner any more."""
    update: dict[str, object] = {"state": decision.state, "state_reason": decision.reason}
    if decision.public != release.public_reason:
        update["public_reason"] = decision.public
    changed = with_change(release, kind, by=by, now_ms=now_ms, **update)
    is_back = decision.state is State.LIVE and release.state is not State.LIVE
    marks = {
        "awaits_owner": False,
        "was_withheld": release.was_withheld or is_back,
        "refused": release.refused or decision.is_refusal,
    }
    return changed.model_copy(update=marks)


def with_removal(
    release: Release, removed_ms: int | None, *, by: Principal, now_ms: int
) -> Release:
    """Return a mirrored release marked as one that its upstream has no more since then, or has
    again if that is None; unchanged if it says so already, or is ours."""
    if release.upstream is None or (release.upstream.removed_ms is None) == (removed_ms is None):
        return release
    kind = "mirror.restored" if removed_ms is None else "mirror.removed"
    origin = release.upstream.model_copy(update={"removed_ms": removed_ms})
    return with_change(release, kind, by=by, now_ms=now_ms, upstream=origin)


def with_change(
    record: Changeable, kind: str, *, by: Principal, now_ms: int, **update: object
) -> Changeable:
    """Return `record` with the fields of `update`, and the event of the change in its outbox.

    The event's id holds the new revision, so a change that is written twice is one event.
    """
    subject = record.coordinate if isinstance(record, Release) else record.package
    event = Event(
        id=f"{subject}@{record.revision + 1}".lower(),
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
        },
    )
    outbox = (*record.outbox, event)
    return record.model_copy(update={**update, "changed_ms": now_ms, "outbox": outbox})


def _shown(value: object) -> str:
    return "" if value is None else str(getattr(value, "value", value))
