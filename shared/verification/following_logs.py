"""Logs that follow another one, which could not go on: where they are, and what proves it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.verification.leaves import Leaf
from shared.verification.signed_notes import (
    Checkpoint,
    Differs,
    LogPolicy,
    Malformed,
    SignedNote,
    VerifierKey,
    utf8,
)
from shared.verification.tiles import LogTree, leaf_hash, subtree_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

REPLACED = "log.replaced"  # The kind of the first entry of a log that follows another one.
FIRST_PATH = "log"
_LATER_PATH = re.compile(r"/(logs/log([1-9][0-9]{0,3}))\Z")


def path_of_log(origin: str) -> str:
    """Return where a registry serves the log of a name, below its address."""
    found = _LATER_PATH.search(origin)
    return found[1] if found else FIRST_PATH


def _number(origin: str) -> int:
    """Return which log of its registry it is, from 1 on."""
    found = _LATER_PATH.search(origin)
    return int(found[2]) if found else 1


@dataclass(frozen=True)
class FoundLog:
    """The log that is read: its path, the policy it has to meet, and whether it is another one than
    the policy names, of the same key."""

    path: str
    policy: LogPolicy
    is_followed: bool = False


def find_log(trusted: LogPolicy, current: LogPolicy | None) -> FoundLog:
    """Return which log to read: the one that the registry writes now, if its key is trusted, also
    under another name; else the one of the keys that are trusted."""
    names = [key.name for key in trusted.logs]
    written = current.logs if current else ()
    for key in written:
        if key.name in names:
            return FoundLog(path_of_log(key.name), trusted)
    numbers = {key.public: _number(key.name) for key in trusted.logs}
    keys = [
        key for key in written if _number(key.name) > numbers.get(key.public, _number(key.name))
    ]
    if keys:
        return FoundLog(path_of_log(keys[0].name), replace(trusted, logs=keys), is_followed=True)
    return FoundLog(path_of_log(names[-1]) if names else FIRST_PATH, trusted)


def with_keys(policy: str, keys: Iterable[VerifierKey]) -> str:
    """Return the text of a policy with other keys of logs: witnesses and quorum stay."""
    others = [line for line in policy.split("\n") if line.split()[:1] != ["log"]]
    return "\n".join((*(f"log {key}" for key in keys), *others))


@dataclass(frozen=True)
class EndedLog:
    """The last checkpoint of a log, as the first entry of the one that follows it holds it."""

    last: Checkpoint
    note: SignedNote

    @classmethod
    def of_first_entry(cls, tree: LogTree) -> EndedLog | None:
        """Return the log that a log follows; None if it is the first one. Raises `Differs`."""
        if not tree.size:
            return None
        [(index, entry)] = tree.entries(0, 1)
        leaf = Leaf.parse(entry, index)
        if leaf.kind != REPLACED:
            return None
        try:
            note = SignedNote.parse(utf8(str(leaf.fields.get("checkpoint"))))
            last = Checkpoint.parse(note.text)
        except Malformed as reason:
            message = f"The first entry holds no checkpoint of the log before: {reason}"
            raise Differs(message) from None
        if last.origin != leaf.text("log"):
            message = "The first entry holds the checkpoint of another log than it names."
            raise Differs(message)
        return cls(last, note)

    def require_signed(self, keys: Iterable[VerifierKey]) -> None:
        """Raise `Differs` unless one of the keys signed the last checkpoint."""
        if not any(self.note.is_signed_by(key.renamed(self.last.origin)) for key in keys):
            message = (
                f"The last checkpoint of {self.last.origin} is signed by another key. Name the key "
                "that it had with another --key."
            )
            raise Differs(message)


def root_of_events(tree: LogTree, size: int) -> bytes | None:
    """Return the root that a log of the first events has, of a log whose events begin behind its
    first entry; None if it has fewer. Raises `Differs`."""
    if not 0 < size < tree.size:
        return None
    return subtree_hash([leaf_hash(entry) for _, entry in tree.entries(1, size + 1)])
