"""Releases: how an archive becomes records, and how records change; each change carries its
event. With what becomes of releases that are withheld.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import ClassVar, Self, TypeVar

from msgspec import Struct
from pydantic import Field

from shared.domain.archives.bala import Bala
from shared.domain.coordinates import Coordinate, release_place
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.errors.packages import ReleaseNotFound, Withdrawal, withdrawn_by
from shared.domain.events import Event
from shared.domain.packages import (
    ArchiveFacts,
    Head,
    Origin,
    Release,
    ReleaseEntry,
    RequiredApproval,
    UpstreamOrigin,
)
from shared.domain.principals import MIRROR, Principal
from shared.domain.reasons import parse_reason, parse_required_reason
from shared.domain.release_states import Holder, PackageHold, State
from shared.domain.times import MS, utc_text
from shared.domain.transparency.leaves import READABLE_KINDS
from shared.domain.visibility import Visibility
from shared.domain.withdrawals import ErasedArchive, PublicReason, WithdrawalReason

Changeable = TypeVar("Changeable", Head, Release)


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


def held_for_owner(release: Release, reason: str) -> Release:
    """Return a new release as held until an owner confirms it; its event says so."""
    [published] = release.outbox
    details = {**published.details, "reason": reason}
    held = published.model_copy(update={"kind": "release.awaiting-owner", "details": details})
    update = {
        "state": State.HELD,
        "state_reason": reason,
        "is_held_for_owner": True,
        "outbox": (held,),
    }
    return release.model_copy(update=update)


def held_for_package(release: Release, hold: PackageHold) -> Release:
    """Return a new release as held until its package is no longer; its event says so."""
    [published] = release.outbox
    reason = waiting_reason(hold)
    details = {**published.details, "reason": reason}
    held = published.model_copy(update={"kind": "release.awaiting-case", "details": details})
    update = {"state": State.HELD, "state_reason": reason, "holder": Holder.PACKAGE}
    return release.model_copy(update={**update, "outbox": (held,)})


def held_for_review(release: Release, approval: RequiredApproval) -> Release:
    """Return a new release as held until people approved it; its event says so."""
    [published] = release.outbox
    details = {**published.details, "reason": approval.reason, "approvals": str(approval.needed)}
    held = published.model_copy(update={"kind": "release.awaiting-review", "details": details})
    update = {"state": State.HELD, "state_reason": approval.reason, "holder": Holder.REVIEW}
    return release.model_copy(update={**update, "outbox": (held,)})


def held_for_scanner(release: Release, reason: str) -> Release:
    """Return a new release as held until administrators decide on it; its event says so."""
    [published] = release.outbox
    details = {**published.details, "reason": reason}
    held = published.model_copy(update={"kind": "release.awaiting-scan", "details": details})
    update = {"state": State.HELD, "state_reason": reason, "holder": Holder.ADMINISTRATOR}
    return release.model_copy(update={**update, "outbox": (held,)})


def held_for_sigstore(release: Release) -> Release:
    """Return a new release as held until its Sigstore bundle came; its event says so."""
    [published] = release.outbox
    details = {**published.details, "reason": WAITS_FOR_SIGSTORE}
    held = published.model_copy(update={"kind": "release.awaiting-sigstore", "details": details})
    update = {"state": State.HELD, "state_reason": WAITS_FOR_SIGSTORE, "holder": Holder.SIGSTORE}
    return release.model_copy(update={**update, "outbox": (held,)})


WAITS_FOR_SIGSTORE = "its organization requires a Sigstore bundle, which did not come yet"


NAME_RESEMBLES = "its name could be confused"  # How the reason of such a hold begins.


def waiting_reason(hold: PackageHold) -> str:
    """Return why a release of a package waits that is held as a whole."""
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
    """Return what becomes of a release that an owner or administrators let go: it is published,
    unless it waits for something else."""
    if head.hold:
        return Decision(State.HELD, waiting_reason(head.hold), holder=Holder.PACKAGE)
    if release.approval and not release.approval.is_met:
        return Decision(State.HELD, release.approval.reason, holder=Holder.REVIEW)
    if release.needs_sigstore:
        return WAITING_FOR_SIGSTORE
    return Decision(State.LIVE)


def with_decision(
    release: Release, kind: str, decision: Decision, *, by: Principal, now_ms: int
) -> Release:
    """Return the release in the state, with the event of that; it waits for nobody any more."""
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
    }
    if decision.state is State.LIVE:
        # It may be published by this, so the event says what is.
        *earlier, event = changed.outbox
        details = {**event.details, **_content(release)}
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
    why: str = "",
    is_final: bool = False,
    by: Principal,
    now_ms: int,
) -> Release:
    """Return a mirrored release marked as one that its upstream no longer has since then, for a
    public reason if it says one, or has again if `removed_ms` is None; unchanged if it says so
    already, or is ours."""
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


def is_removed_by_owner(record: Release | ReleaseEntry) -> bool:
    """Check whether an owner removed it, or asked an administrator to: owners delete what is left
    of it."""
    public = record.public_reason
    is_wanted = public is not None and public.why is WithdrawalReason.OWNER_REQUEST
    return record.state is State.REMOVED and (record.refused or is_wanted)


def with_erasure(release: Release, erased: ErasedArchive, *, by: Principal) -> Release:
    """Return a removed release without what its archive said of its content; the event names the
    digest. It was withdrawn when it was before."""
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


# What each public reason is called, and what it says.
WITHDRAWAL_TITLES: Mapping[WithdrawalReason, tuple[str, str]] = {
    WithdrawalReason.MALWARE: ("Malware", "It contains code that harms those who use it."),
    WithdrawalReason.VULNERABILITY: ("Vulnerability", "It has a severe security vulnerability."),
    WithdrawalReason.LEAK: (
        "Leaked secret",
        "Its archive contains a secret, such as a password or a key.",
    ),
    WithdrawalReason.IMPERSONATION: (
        "Impersonation",
        "It pretends to be a package, or to come from a publisher, that it is not.",
    ),
    WithdrawalReason.LEGAL: ("Legal reasons", "The law does not allow distributing it."),
    WithdrawalReason.POLICY: ("Policy violation", "It violates the policies of this registry."),
    WithdrawalReason.OWNER_REQUEST: ("Owner's request", "Its owners asked for the withdrawal."),
    WithdrawalReason.MISTAKE: ("Mistake", "It was published by mistake."),
    WithdrawalReason.OTHER: ("Other reason", "The administrator chose no other category."),
}


def withdrawal_of(record: Release | ReleaseEntry) -> Withdrawal:
    """Return what everybody who may see the package is told of a withheld release.

    `why` is empty without a public reason, as of a release that is held, or served again.
    """
    public = record.public_reason
    return Withdrawal(
        version=record.version,
        is_final=record.state is State.REMOVED,
        at_ms=record.changed_ms or record.created_ms,
        published_ms=record.created_ms,
        why=public.why.value if public else "",
        note=public.note if public else "",
        is_held_by_owner=record.is_held_by_owner,
        is_by_reports=record.state is State.QUARANTINED and record.holder is Holder.REPORTS,
        digest=record.digest,
    )


def withdrawal_title(withdrawal: Withdrawal) -> str:
    """Return what the public reason of a withdrawal is called; empty without one."""
    return WITHDRAWAL_TITLES[WithdrawalReason(withdrawal.why)][0] if withdrawal.why else ""


def reason_text(why: WithdrawalReason) -> str:
    """Return what a public reason is called, and what it says."""
    title, sentence = WITHDRAWAL_TITLES[why]
    return f"{title}. {sentence}"


def withdrawal_text(withdrawal: Withdrawal) -> str:
    """Return the public reason of a withdrawal in sentences; empty without one."""
    if not withdrawal.why:
        return ""
    return f"{reason_text(WithdrawalReason(withdrawal.why))} {withdrawal.note}".rstrip()


def release_withdrawn(release: Release) -> ReleaseNotFound:
    """Return the refusal of an exact version that was withdrawn: the one of a missing version,
    which clients know, with the reason behind it."""
    withdrawal = withdrawal_of(release)
    reason = withdrawal_text(withdrawal)
    return ReleaseNotFound(
        release.coordinate.package,
        release.version,
        withdrawal,
        f". {withdrawn_by(withdrawal, 'it')}{f' {reason}' if reason else ''}",
    )


def parse_decision_reason(text: str, about: object) -> str:
    """Return the reason of a decision; raise `reason-missing` about its field."""
    with about_field("reason"):
        return parse_required_reason(text, f"the decision about {about}")


def parse_public_reason(why: str, note: str) -> PublicReason | None:
    """Read a public reason, or None if there is neither a category nor a note.

    Raises `InvalidRequest`.
    """
    line = parse_reason(note, "public explanation")
    if not (why or line):
        return None
    try:
        return PublicReason(why=WithdrawalReason(why or "other"), note=line)
    except ValueError:
        known = ", ".join(each.value for each in WithdrawalReason)
        message = f"{why[:80]!r} is not a public reason. Choose one of {known}."
        raise InvalidRequest(message) from None


class WithheldNote(Entity):
    """A withheld release, for lists. The release itself decides.

    It is derived from the release, without events; `of_revision` is the release's.
    """

    kind: ClassVar[str] = "withheld"

    org: str
    name: str
    version: str
    state: State
    reason: str
    is_held_for_owner: bool = Field(
        validation_alias="awaits_owner", serialization_alias="awaits_owner"
    )
    holder: Holder = Holder.ADMINISTRATOR
    since_ms: int
    by: str = ""  # Who decided, where that is known; the log of the organization says it for ever.
    of_revision: int
    is_erased: bool = False

    @classmethod
    def of(cls, release: Release, by: str = "") -> Self:
        """Derive the note of a release; `by` is used where its outbox does not say who decided.

        For a release that waits for an owner, nobody has decided yet.
        """
        deciders = [each.actor for each in release.outbox if "state" in each.details]
        if deciders and not release.is_held_for_owner:
            by = deciders[-1]
        return cls(
            org=release.org,
            name=release.name,
            version=release.version,
            state=release.state,
            reason=release.state_reason,
            is_held_for_owner=release.is_held_for_owner,
            holder=release.holder,
            since_ms=release.changed_ms or release.created_ms,
            by=by,
            of_revision=release.revision,
            is_erased=release.erased is not None,
        )

    @property
    def coordinate(self) -> Coordinate:
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def place(self) -> Place:
        return release_place(self.coordinate)


def is_state_change_pending(release: Release) -> bool:
    """Check whether a change of the release's state is not listed everywhere yet."""
    return any("state" in event.details for event in release.outbox)


# How long after its publication an owner can erase a release that hardly anybody uses.
ERASABLE_FOR = timedelta(hours=72)
MAX_PULLERS_OF_ERASED = 10  # Accounts, CI jobs and addresses.

_ERASABLE_MS = ERASABLE_FOR // MS
_PULLERS_KEPT_FOR = timedelta(days=1)  # Longer than any process collects pulls.


def is_erasable_at(published_ms: int, now_ms: int) -> bool:
    """Check whether a release is young enough for its owners to erase it."""
    return now_ms - published_ms < _ERASABLE_MS


class ReleasePullers(Entity):
    """Who pulled a young release, as keyed hashes that nobody can reverse: accounts, CI jobs and
    addresses, one more than `MAX_PULLERS_OF_ERASED` at most.

    It is derived from pulls, without events, and deleted when its owners cannot erase the release
    any more.
    """

    kind: ClassVar[str] = "release-pullers"

    org: str
    name: str
    version: str
    pullers: tuple[str, ...]
    published_ms: int

    @property
    def coordinate(self) -> Coordinate:
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def place(self) -> Place:
        return release_place(self.coordinate)

    @property
    def ends_ms(self) -> int:
        return self.published_ms + _ERASABLE_MS + _PULLERS_KEPT_FOR // MS

    @property
    def are_many(self) -> bool:
        return len(self.pullers) > MAX_PULLERS_OF_ERASED

    def with_pullers(self, pullers: Iterable[str]) -> Self:
        """Return the record with these as well; the same one if it has them, or has many."""
        new = [each for each in pullers if each not in self.pullers]
        if self.are_many or not new:
            return self
        kept = (*self.pullers, *new)[: MAX_PULLERS_OF_ERASED + 1]
        return self.model_copy(update={"pullers": kept})


class ReleaseComparison(Struct, frozen=True):
    """How a release differs from the one before it; a field is empty where they are the same.

    `platform` is that of the earlier release.
    """

    version: str
    new_dependencies: tuple[str, ...]
    platform: str
    has_other_publisher: bool

    @classmethod
    def of(cls, release: Release, earlier: Release) -> "ReleaseComparison":
        return cls(
            version=earlier.version,
            new_dependencies=tuple(sorted(_dependencies(release) - _dependencies(earlier))),
            platform="" if release.platform == earlier.platform else earlier.platform,
            has_other_publisher=_publisher(release.origin) != _publisher(earlier.origin),
        )

    @property
    def is_unchanged(self) -> bool:
        return not (self.new_dependencies or self.platform or self.has_other_publisher)


def _dependencies(release: Release) -> set[str]:
    return {f"{each.org}/{each.name}" for each in release.dependencies}


def _publisher(origin: Origin) -> tuple[str, ...]:
    """Return who published: an account, an organization's token, or the jobs of a repository."""
    job = origin.provenance
    return (origin.principal, job.provider, job.repository) if job else (origin.principal,)
