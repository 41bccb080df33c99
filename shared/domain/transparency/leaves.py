"""Leaves of the transparency log: the bytes by which the log holds an event of the feed.

A readable leaf says what happened. A commitment says the number of the event alone: it is the hash
of a salt and of the leaf that would be readable, its opening. docs/reference/transparency-log.md
has both, byte by byte.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from shared.domain.events import Event
from shared.domain.release_states import State
from shared.domain.times import utc_text
from shared.domain.visibility import Visibility
from shared.domain.withdrawal_reasons import WithdrawalReason

FORMAT = 1
SALT_BYTES = 32

# The events that everybody may read where `Event.public` is set, and their kinds in the log. The
# log does not say whether a release is held, quarantined or removed, as the feed does not.
READABLE_KINDS: Mapping[str, str] = {
    "release.published": "release.published",
    "release.confirmed": "release.published",  # An owner confirmed it, or its package's hold ended.
    "release.mirrored": "release.mirrored",
    "release.deprecated": "release.deprecated",
    "release.undeprecated": "release.undeprecated",
    "release.held": "release.withdrawn",
    "release.quarantined": "release.withdrawn",
    "release.removed": "release.withdrawn",
    "release.owner-held": "release.withdrawn",
    "release.owner-erased": "release.withdrawn",
    "release.live": "release.restored",
    "release.owner-restored": "release.restored",
    "package.deprecated": "package.deprecated",
    "package.undeprecated": "package.undeprecated",
    "package.private": "package.withdrawn",
    "package.internal": "package.withdrawn",
    "package.public": "package.restored",
    "package.moved": "package.moved",
    "publisher.added": "publisher.added",
    "publisher.bound": "publisher.bound",
    "publisher.confirmed": "publisher.confirmed",
    "publisher.removed": "publisher.removed",
    "ownership.granted": "ownership.granted",
}
# The kinds of the first entry about a release that everybody may read.
FIRST_KINDS = frozenset({"release.published", "release.mirrored"})
# The kinds of entries after which a release is served; they contain its digest and size.
PUBLICATIONS = frozenset(
    (
        "release.published",
        "release.confirmed",
        "release.mirrored",
        "release.live",
        "release.owner-restored",
    )
)
_WITHDRAWALS = frozenset({"release.withdrawn", "package.withdrawn"})
_REASONS = frozenset(each.value for each in WithdrawalReason)
# The topics whose subject is a package or a release; that of others may be about a person.
_ABOUT_PACKAGES = frozenset({"release", "package", "publisher", "dependency", "mirror"})
# What a leaf says of the job that made a release. Not the ref, the subject and the address of the
# run, whose texts people choose.
_CLAIMS = ("provider", "issuer", "repository", "workflow", "commit")
_MAX_CLAIM = 300  # Characters; a leaf has at most 65,535 bytes.
_ID = re.compile(r"[0-9A-Za-z-]{1,40}")
_HASH = re.compile(r"[0-9a-f]{64}")

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)

_Fields = dict[str, object]


class FrozenLeaf(Struct, frozen=True):
    """A leaf as it is stored with its event, and never changed; `salt` and `opening` are empty for
    a readable one."""

    leaf: bytes
    salt: bytes = b""
    opening: bytes = b""


class LoggedEvent(Struct, frozen=True):
    """An event with its number, and its leaf; None where an earlier version appended it."""

    number: int
    event: Event
    leaf: FrozenLeaf | None


def frozen(event: Event, number: int, *, salt: bytes, logged_later: bool = False) -> FrozenLeaf:
    """Return the leaf of the event with this number; if it is a commitment, with the salt and the
    opening. A salt has `SALT_BYTES` unpredictable bytes, and is used once."""
    opening = _encoded(dict(_fields(event, number, logged_later=logged_later)))
    if event.public and event.kind in READABLE_KINDS:
        return FrozenLeaf(opening)
    return FrozenLeaf(commitment(number, salt, opening), salt, opening)


def commitment(number: int, salt: bytes, opening: bytes) -> bytes:
    """Return the commitment to an opening. All of one number of digits have the same length."""
    digest = hashlib.sha256(salt + opening).digest()
    return _encoded(
        {"v": FORMAT, "index": number - 1, "commitment": base64.b64encode(digest).decode()}
    )


def is_disclosed(event: Event) -> bool:
    """Check whether everybody who may read the package of the event may read the event. The
    withdrawal of a release that was not live is not told, since it may never have been."""
    kind = READABLE_KINDS.get(event.kind)
    if kind == "release.withdrawn":
        return event.details.get("state_before") == State.LIVE.value
    if kind == "package.withdrawn":
        return event.details.get("visibility_before") == Visibility.PUBLIC.value
    return kind is not None


def _encoded(fields: _Fields) -> bytes:
    return _ENCODER.encode(fields).encode("ascii")


def _fields(event: Event, number: int, *, logged_later: bool) -> Iterator[tuple[str, object]]:
    """Yield what a leaf says: nothing that must ever be forgotten, so ids of accounts, and neither
    names, addresses, credentials nor texts that people wrote."""
    kind = READABLE_KINDS.get(event.kind, event.kind)
    topic = event.kind.partition(".")[0]
    yield "v", FORMAT
    yield "index", number - 1
    yield "time", utc_text(event.at_ms)
    yield "kind", kind
    yield from _subject(event, topic)
    details = event.details
    if topic == "release" and _HASH.fullmatch(details.get("digest", "")):
        yield "digest", f"sha256:{details['digest']}"
    if topic == "release" and details.get("size", "").isdecimal():
        yield "size", int(details["size"])
    if by := _actor(event, topic):
        yield "by", by
    if _ID.fullmatch(event.account):
        yield "account", event.account
    if topic == "publisher" and _ID.fullmatch(details.get("publisher", "")):
        yield "publisher", details["publisher"]
    if kind in _WITHDRAWALS:
        # Only the category: somebody wrote the note behind it.
        reason = details.get("public_reason", "").partition(":")[0]
        if reason in _REASONS:
            yield "reason", reason
        yield "final", details.get("state") == State.REMOVED.value
    if logged_later:
        yield "later", True


def _subject(event: Event, topic: str) -> Iterator[tuple[str, object]]:
    if topic in _ABOUT_PACKAGES and "/" in event.subject:
        package, _, version = event.subject.partition(":")
        yield "package", package
        if version:
            yield "version", version
    elif event.org:
        yield "organization", event.org


def _actor(event: Event, topic: str) -> _Fields:
    """Return who made it: the id of an account, that of an organization for its tokens and jobs, or
    a word, and what its provider says of a job."""
    fields: _Fields = {"id": event.actor} if _ID.fullmatch(event.actor) else {}
    if topic != "release" or "provider" not in event.details:
        return fields
    for claim in _CLAIMS:
        text = event.details.get(claim, "")
        if claim == "workflow":
            text = text.partition("@")[0]  # A ref follows the @.
        # A text with an @ may be somebody's mail address.
        if text and "@" not in text and len(text) <= _MAX_CLAIM:
            fields[claim] = text
    return fields
