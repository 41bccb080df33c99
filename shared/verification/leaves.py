"""What the entries of a log say: leaves that everybody reads, and commitments.

docs/reference/transparency-log.md describes them byte by byte.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, cast

from shared.script_client import printable, read_object
from shared.verification.signed_notes import Differs, Malformed, decoded, utf8

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAF_FORMAT = 1
PUBLISHED = ("release.published", "release.mirrored")
WITHDRAWN = "release.withdrawn"
RESTORED = "release.restored"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class NewerFormat(Exception):
    """An entry has a form that this program does not know; the text is a sentence that says so."""


@dataclass(frozen=True)
class Leaf:
    """An entry: its index in the log, the number of its event, and what everybody may read of
    it."""

    index: int
    fields: Mapping[str, object]

    @classmethod
    def parse(cls, entry: bytes, index: int) -> Leaf:
        """Return what the entry at an index says; raise `Differs`, or `NewerFormat`."""
        fields = read_object(entry)
        version = fields.get("v")
        if version != LEAF_FORMAT and isinstance(version, int):
            message = (
                f"The entry {index} has the form {version}, and this program knows {LEAF_FORMAT}. "
                "Get a newer verify.py."
            )
            raise NewerFormat(message)
        if version != LEAF_FORMAT or not (fields.get("kind") or fields.get("commitment")):
            message = f"The entry {index} is neither a leaf nor a commitment."
            raise Differs(message)
        said = fields.get("index")
        if type(said) is not int or not 0 <= said <= index:
            message = f"The entry {index} says that it is the entry {printable(said)}."
            raise Differs(message)
        return cls(index, fields)

    @property
    def event(self) -> int:
        """The index that the leaf says: the number of its event, less one. In a log that was mended
        it is smaller than that of the entry."""
        return cast("int", self.fields["index"])

    def require_after(self, before: Leaf) -> None:
        """Raise `Differs` if an event is missing between two neighbours. A registry that was set
        back counts its events from an earlier number on, and never from a later one."""
        if self.event > before.event + 1:
            message = (
                f"The entry {self.index} is of the event {self.event}, and the entry before it of "
                f"the event {before.event}."
            )
            raise Differs(message)

    def text(self, name: str) -> str:
        """Return a field as it can be shown; empty if it is missing."""
        return printable(self.fields.get(name))

    @property
    def kind(self) -> str:
        """The kind of the event; empty for a commitment."""
        return self.text("kind")

    @property
    def release(self) -> str:
        """The release that it is about, as `org/name:version`; empty if it is about none."""
        package = self.text("package")
        version = self.text("version")
        return f"{package}:{version}" if package and version else ""

    @property
    def organization(self) -> str:
        return self.text("organization") or self.text("package").partition("/")[0]

    @property
    def digest(self) -> str:
        """The SHA-256 of the archive in hexadecimal digits; empty without one."""
        found = _DIGEST.fullmatch(self.text("digest"))
        return found[1] if found else ""

    @property
    def who(self) -> str:
        """Who did it: the repository of a job, or an id."""
        by = self.fields.get("by")
        claims: Mapping[str, object] = {}
        if isinstance(by, dict):
            claims = cast("Mapping[str, object]", by)
        return printable(claims.get("repository") or claims.get("id")) or "somebody"


def opened(commitment: Leaf, answer: Mapping[str, object]) -> Leaf:
    """Return the leaf behind a commitment, of the answer that opens it; raise `Differs`."""
    index = commitment.index
    try:
        salt = decoded(str(answer.get("salt")))
        leaf = utf8(str(answer.get("leaf")))
        digest = decoded(commitment.text("commitment"))
    except Malformed:
        message = f"The entry {index}: its opening cannot be read."
        raise Differs(message) from None
    if hashlib.sha256(salt + leaf).digest() != digest:
        message = f"The entry {index}: its opening is another one than the log commits to."
        raise Differs(message)
    found = Leaf.parse(leaf, index)
    if found.event != commitment.event:
        message = f"The entry {index}: its opening is of the event {found.event}."
        raise Differs(message)
    return found


@dataclass
class LoggedRelease:
    """What the log says of a release."""

    digest: str
    index: int
    time: str
    withdrawal: Leaf | None = None


@dataclass
class LoggedReleases:
    """What the log says of all releases; a release has one digest for good."""

    releases: dict[str, LoggedRelease] = field(default_factory=dict[str, LoggedRelease])

    def add(self, leaf: Leaf) -> None:
        """Take over what a leaf says; raise `Differs` if an earlier one says something else."""
        release = leaf.release
        known = self.releases.get(release)
        if known is None and leaf.kind in PUBLISHED and leaf.digest:
            self.releases[release] = LoggedRelease(leaf.digest, leaf.index, leaf.text("time"))
        elif known is None:
            return
        elif leaf.digest and leaf.digest != known.digest:
            message = (
                f"{release}: the log has two digests, sha256:{known.digest} in the entry "
                f"{known.index} and sha256:{leaf.digest} in the entry {leaf.index}."
            )
            raise Differs(message)
        elif leaf.kind in (WITHDRAWN, RESTORED):
            known.withdrawal = leaf if leaf.kind == WITHDRAWN else None


def moment(text: str) -> datetime | None:
    """Return a time as RFC 3339 writes it; None for another text."""
    try:
        found = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text))
    except ValueError:
        return None
    return found if found.tzinfo else None
