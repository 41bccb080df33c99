"""The list of revocations: what was erased, withdrawn, held, frozen, removed, demoted, locked and
revoked, and what of it was undone.

It survives the database, so that a restored backup does not bring back what had to go. It has ids
and digests, and no names: those of a person who was erased must not be in it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError

from shared.domain.accounts import LockSource
from shared.domain.entities import Entity, PendingEvents, Place
from shared.domain.events import Event
from shared.domain.identities import Identity
from shared.domain.invitations import Invitation
from shared.domain.memberships import Membership, strongest
from shared.domain.packages import Head, Release
from shared.domain.records import Record
from shared.domain.scopes import Role
from shared.domain.sessions import Session
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.webhooks import Webhook
from shared.domain.withdrawal_reasons import WithdrawalReason


class Subject(Enum):
    """What an entry is about, and what its id is."""

    ACCOUNT = "account"  # The id of the account: whether it is locked, or exists at all.
    ADMINISTRATOR = "administrator"  # The id of the account.
    AUDITOR = "auditor"  # The same.
    RELEASE = "release"  # The digest of its archive.
    PACKAGE = "package"  # The digest of its key.
    RECORD = "record"  # The digest of the place of an entity, which `entity` names.
    ORGANIZATION = "organization"  # The digest of its key; whether it is frozen.
    FROZEN_PACKAGE = "frozen-package"  # The digest of its key.
    HELD_PACKAGE = "held-package"  # The same.
    NAME = "name"  # The salted hash of a former name of an account.


# Entities that give rights or access, and end with their removal.
REMOVABLE: tuple[type[Entity], ...] = (
    Token,
    Membership,
    Publisher,
    Webhook,
    Identity,
    Invitation,
    Session,
)
_REMOVALS = frozenset(
    (
        # Not token.ended: it expires within minutes, and every job ends one.
        "token.revoked",
        "token.leaked",
        "member.removed",
        "publisher.removed",
        "webhook.removed",
        "identity.removed",
        "invitation.withdrawn",
        "session.ended",
        "session.copied",
    )
)
# After one of these was removed, another one may be created at the same place, so each of their
# events counts.
_RETURNING = frozenset((Membership.kind, Identity.kind, Invitation.kind))
_OF_ROLES = frozenset(("member.set", "member.removed"))
# A scheduled change takes effect at its time, without an event.
_OF_SCHEDULES = frozenset(
    ("owner.pending", "owner.undone", "owner.held", "owner.resumed", "owner.confirmed")
)
_OF_LOCKS = frozenset(("account.locked", "account.unlocked"))
_OF_ACCOUNTS = {
    **dict.fromkeys((*_OF_LOCKS, "account.deleted"), Subject.ACCOUNT),
    **dict.fromkeys(("account.appointed", "account.dismissed"), Subject.ADMINISTRATOR),
    **dict.fromkeys(("auditor.appointed", "auditor.dismissed"), Subject.AUDITOR),
}
_OF_PACKAGES = {
    **dict.fromkeys(("package.private", "package.internal", "package.public"), Subject.PACKAGE),
    **dict.fromkeys(("package.held", "package.released"), Subject.HELD_PACKAGE),
}
_OF_FREEZES = {
    **dict.fromkeys(("organization.frozen", "organization.unfrozen"), Subject.ORGANIZATION),
    **dict.fromkeys(("package.frozen", "package.unfrozen"), Subject.FROZEN_PACKAGE),
}

RETIRED = "name.retired"  # The act of an entry about a former name, which is no event.
BY_GROUPS = "groups"  # The source of a role.
SCHEDULED = "scheduled"  # The source of a role that a member gets later.


class Revocation(Record):
    """One act, or what undid it; of those about the same subject the last one counts."""

    event: str  # The digest of the id of its event, whose kind is `act`.
    at_ms: int
    act: str
    about: str
    id: str
    entity: str = ""  # The kind of an entity.
    why: WithdrawalReason | None = None  # The public reason of a withdrawal, without its note.
    source: str = ""  # Who locked, if not administrators; or what gives the role, if not people.
    role: str = ""  # The role that a member has from then on by this source; empty for none.
    salt: str = ""  # The salt of the hash of a former name.
    registry: str = ""  # The digest of the id of its first event.

    @property
    def subject(self) -> tuple[str, str, str, str]:
        return (self.about, self.entity, self.id, self.source)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def place_digest(kind: str, place: Place) -> str:
    return digest_of(f"{kind}\n{place.owner}\n{place.key}")


def revocations_of(source: Head | Release | PendingEvents, registry: str) -> list[Revocation]:
    """Return the entries of the pending events of a record, in their order."""
    found = (_revocation(source, event, registry) for event in source.outbox)
    return [each for each in found if each is not None]


def _revocation(
    source: Head | Release | PendingEvents, event: Event, registry: str
) -> Revocation | None:
    about = _about(source, event)
    if about is None:
        return None
    subject, of = about
    is_record = subject is Subject.RECORD
    return Revocation(
        event=digest_of(event.id),
        at_ms=event.at_ms,
        act=event.kind,
        about=subject.value,
        id=of,
        entity=source.kind if isinstance(source, PendingEvents) and is_record else "",
        why=_public_reason(source),
        source=_source(event),
        role=event.details.get("after", "") if event.kind in _OF_ROLES | _OF_SCHEDULES else "",
        registry=registry,
    )


def _about(source: Head | Release | PendingEvents, event: Event) -> tuple[Subject, str] | None:
    """Return what an event is about, with its id; None for an event that is not listed."""
    if isinstance(source, Release):
        is_listed = "state" in event.details or event.kind == "release.erased"
        return (Subject.RELEASE, source.digest) if is_listed else None
    if isinstance(source, Head):
        subject = _OF_PACKAGES.get(event.kind)
        return subject and (subject, digest_of(source.package.key))
    if event.kind in _OF_ACCOUNTS:
        return _OF_ACCOUNTS[event.kind], event.account
    if event.kind in _OF_FREEZES:
        # The digest identifies the record of the organization; the subject of the event is the name
        # of the organization or package.
        return _OF_FREEZES[event.kind], digest_of(event.subject.lower())
    is_of_role = source.kind != Membership.kind or event.kind in _OF_ROLES | _OF_SCHEDULES
    if event.kind in _REMOVALS or (source.kind in _RETURNING and is_of_role):
        return Subject.RECORD, place_digest(source.kind, source.place)
    return None


def _public_reason(source: Head | Release | PendingEvents) -> WithdrawalReason | None:
    public = source.public_reason if isinstance(source, Release) else None
    return public.why if public else None


def _source(event: Event) -> str:
    if event.kind in _OF_SCHEDULES:
        return SCHEDULED
    if event.kind in _OF_ROLES:
        return BY_GROUPS if "groups" in event.details else ""
    by = event.details.get("source", "") if event.kind in _OF_LOCKS else ""
    return "" if by == LockSource.ADMINISTRATOR.value else by


def retired_name(salt: str, name_hash: str, *, at_ms: int, registry: str) -> Revocation:
    """Return the entry about a former name of an account, which nobody gets again."""
    return Revocation(
        event=digest_of(f"{RETIRED}\n{name_hash}"),
        at_ms=at_ms,
        act=RETIRED,
        about=Subject.NAME.value,
        id=name_hash,
        salt=salt,
        registry=registry,
    )


def is_scheduled(revocation: Revocation) -> bool:
    """Check whether a scheduled change takes effect, unless it is canceled or put on hold."""
    return revocation.act not in ("owner.undone", "owner.held")


def is_removal(revocation: Revocation) -> bool:
    """Check whether the entity was removed, and not added or changed after that."""
    return revocation.act in _REMOVALS


class RoleLimits(Struct, frozen=True):
    """The last entries about the role of a member, by people and by groups, and about a change of
    the one by people that was scheduled."""

    people: Revocation | None = None
    groups: Revocation | None = None
    scheduled: Revocation | None = None

    def with_entry(self, entry: Revocation) -> "RoleLimits":
        return replace(self, **{entry.source or "people": entry})

    def later_schedule(self) -> Revocation | None:
        """Return the entry about a scheduled change, unless people set the role after it."""
        is_superseded = self.people and self.scheduled and self.people.at_ms >= self.scheduled.at_ms
        return None if is_superseded else self.scheduled

    def by_hand(self, role: Role | None) -> Role | None:
        """Return what the revocations leave of the role that people gave; None if it is gone."""
        return None if _is_gone(self.people, self.groups) else _limited(role, self.people)

    def by_groups(self, role: Role | None) -> Role | None:
        """Return what the revocations leave of the role that groups gave; None if it is gone."""
        return None if _is_gone(self.groups, self.people) else _limited(role, self.groups)


def _is_gone(own: Revocation | None, other: Revocation | None) -> bool:
    """Check whether the removal of the member ended the role: it ends those of both sources."""
    removals = [each for each in (own, other) if each is not None and is_removal(each)]
    return any(own is None or own.at_ms <= each.at_ms for each in removals)


def _limited(role: Role | None, entry: Revocation | None) -> Role | None:
    if entry is None or role is None:
        return role
    wanted = next((each for each in Role if each.value == entry.role), None)
    return wanted if strongest(role, wanted) is role else role


def last_of_each(revocations: Iterable[Revocation]) -> list[Revocation]:
    """Return the last entry about each subject, in the order of their times."""
    last = dict[tuple[str, str, str, str], Revocation]()
    for each in sorted(revocations, key=lambda each: each.at_ms):
        last.pop(each.subject, None)
        last[each.subject] = each
    return list(last.values())


def to_lines(revocations: Sequence[Revocation]) -> bytes:
    lines = (each.model_dump_json(exclude_defaults=True) for each in revocations)
    return "".join(f"{line}\n" for line in lines).encode()


def from_lines(content: bytes) -> list[Revocation]:
    """Parse a list; a line that was not written to its end, or by a later version, is left out."""
    found = list[Revocation]()
    for line in content.splitlines():
        try:
            found.append(Revocation.model_validate_json(line))
        except ValidationError:
            continue
    return found
