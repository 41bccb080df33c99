"""The list of revocations: what was erased, withdrawn, removed, locked and revoked, and what of it
was undone.

It survives the database, so that a restored backup does not bring back what had to go. It has ids
and digests, and no names: those of a person who was erased must not be in it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from enum import Enum

from pydantic import ValidationError

from shared.domain.access import Invitation, Membership
from shared.domain.accounts import Identity, Token
from shared.domain.packages import Head, Release, WithdrawalReason
from shared.domain.records import Entity, Event, PendingEvents, Place, Record
from shared.domain.sessions import Session
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.webhooks import Webhook


class Subject(Enum):
    """What an entry is about, and what its id is."""

    ACCOUNT = "account"  # Its id; whether it is locked, or is there at all.
    ADMINISTRATOR = "administrator"  # The id of the account.
    RELEASE = "release"  # The digest of its archive.
    PACKAGE = "package"  # The digest of its key.
    RECORD = "record"  # The digest of the place of an entity, which `entity` names.


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
# Of these another one can come to the same place later, so that each event of them counts.
_RETURNING = frozenset((Membership.kind, Identity.kind, Invitation.kind))
_OF_ACCOUNTS = frozenset(("account.locked", "account.unlocked", "account.deleted"))
_OF_ADMINISTRATORS = frozenset(("account.appointed", "account.dismissed"))
_OF_VISIBILITY = frozenset(("package.private", "package.internal", "package.public"))


class Revocation(Record):
    """One act, or what undid it; of those about the same subject the last one counts."""

    event: str  # The digest of the id of its event, whose kind is `act`.
    at_ms: int
    act: str
    about: str
    id: str
    entity: str = ""  # The kind of an entity.
    why: WithdrawalReason | None = None  # The public reason of a withdrawal, without its note.
    registry: str = ""  # The digest of the id of its first event.

    @property
    def subject(self) -> tuple[str, str, str]:
        return (self.about, self.entity, self.id)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def place_digest(kind: str, place: Place) -> str:
    return digest_of(f"{kind}\n{place.owner}\n{place.key}")


def revocations_of(source: Head | Release | PendingEvents, registry: str) -> list[Revocation]:
    """Return the entries of the unpublished events of a record, in their order."""
    found = (_revocation(source, event, registry) for event in source.outbox)
    return [each for each in found if each is not None]


def _revocation(
    source: Head | Release | PendingEvents, event: Event, registry: str
) -> Revocation | None:
    entity, why = "", None
    if isinstance(source, Release):
        if "state" not in event.details and event.kind != "release.erased":
            return None
        about, of = Subject.RELEASE, source.digest
        why = source.public_reason.why if source.public_reason else None
    elif isinstance(source, Head):
        if event.kind not in _OF_VISIBILITY:
            return None
        about, of = Subject.PACKAGE, digest_of(source.package.key)
    elif event.kind in _OF_ACCOUNTS:
        about, of = Subject.ACCOUNT, event.account
    elif event.kind in _OF_ADMINISTRATORS:
        about, of = Subject.ADMINISTRATOR, event.account
    elif event.kind in _REMOVALS or source.kind in _RETURNING:
        about, of, entity = Subject.RECORD, place_digest(source.kind, source.place), source.kind
    else:
        return None
    return Revocation(
        event=digest_of(event.id),
        at_ms=event.at_ms,
        act=event.kind,
        about=about.value,
        id=of,
        entity=entity,
        why=why,
        registry=registry,
    )


def is_removal(revocation: Revocation) -> bool:
    """Check whether the entity was removed, and not added or changed after that."""
    return revocation.act in _REMOVALS


def last_of_each(revocations: Iterable[Revocation]) -> list[Revocation]:
    """Return the last entry about each subject, in the order of their times."""
    last = dict[tuple[str, str, str], Revocation]()
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
