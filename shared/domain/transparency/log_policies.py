"""Policies, as c2sp.org/tlog-policy describes them: which logs and which witnesses are believed."""

from collections.abc import Mapping, Sequence
from typing import Self

from msgspec import Struct

from shared.domain.errors.base import quoted
from shared.domain.errors.transparency import NoteUnreadable, ProofRefused
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.notes import ED25519, SignedNote, VerifierKey

NO_QUORUM = "none"

_A_POLICY = "A policy"
_LARGEST_POLICY = 256 * 1024
_MOST_LINES = 1_000
_GROUP_FIELDS = 3  # Its name, its threshold and one member at least.


class KnownLog(Struct, frozen=True):
    key: VerifierKey
    url: str = ""


class KnownWitness(Struct, frozen=True):
    # The name that groups and the quorum of this policy refer to; the key has its own name.
    name: str
    key: VerifierKey
    url: str = ""


class WitnessGroup(Struct, frozen=True):
    """Has witnessed a checkpoint when `threshold` of its members, witnesses or groups, have."""

    name: str
    threshold: int
    members: tuple[str, ...]


class LogPolicy(Struct, frozen=True):
    """Logs, witnesses, groups of witnesses, and the name of what has to have witnessed a
    checkpoint."""

    logs: tuple[KnownLog, ...] = ()
    witnesses: tuple[KnownWitness, ...] = ()
    groups: tuple[WitnessGroup, ...] = ()
    quorum: str = NO_QUORUM

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a policy; raise `NoteUnreadable`, which names the line."""
        if len(text) > _LARGEST_POLICY or text.count("\n") > _MOST_LINES:
            raise NoteUnreadable(_A_POLICY, f"it has more than {_MOST_LINES:,} lines")
        reader = _PolicyReader()
        for number, line in enumerate(text.split("\n"), start=1):
            reader.read(line, f"Line {number} of a policy")
        if not reader.quorum:
            raise NoteUnreadable(_A_POLICY, "it has no line `quorum`")
        return cls(tuple(reader.logs), tuple(reader.witnesses), tuple(reader.groups), reader.quorum)

    @property
    def text(self) -> str:
        """The policy as a file."""
        logs = [_line("log", each.key.text, each.url) for each in self.logs]
        witnesses = [
            _line("witness", each.name, each.key.text, each.url) for each in self.witnesses
        ]
        groups = [
            _line("group", each.name, str(each.threshold), *each.members) for each in self.groups
        ]
        return "".join([*logs, *witnesses, *groups, _line("quorum", self.quorum)])

    def verified(self, note: SignedNote) -> Checkpoint:
        """Return the checkpoint of a note that is signed by one of the logs and witnessed by the
        quorum; raise `ProofRefused` or `NoteUnreadable`."""
        checkpoint = Checkpoint.parse(note.text)
        keys = [each.key for each in self.logs if each.key.name == checkpoint.origin]
        if not keys:
            message = f"No key of the log {quoted(checkpoint.origin)} is known."
            raise ProofRefused(message)
        # Each of them is verified: one signature that is not valid refuses the note.
        verified = [note.verified_by(key) for key in keys]
        if not any(verified):
            message = f"No key that is known has signed for {quoted(checkpoint.origin)}."
            raise ProofRefused(message)
        self._require_quorum(note)
        return checkpoint

    def _require_quorum(self, note: SignedNote) -> None:
        has_witnessed = {each.name: note.verified_by(each.key) for each in self.witnesses}
        for group in self.groups:  # Their members come before them.
            count = sum(has_witnessed[name] for name in group.members)
            has_witnessed[group.name] = count >= group.threshold
        if self.quorum != NO_QUORUM and not has_witnessed[self.quorum]:
            message = f"Too few witnesses have cosigned it: {quoted(self.quorum)} is required."
            raise ProofRefused(message)


class _PolicyReader:
    def __init__(self) -> None:
        self.logs: list[KnownLog] = []
        self.witnesses: list[KnownWitness] = []
        self.groups: list[WitnessGroup] = []
        self.quorum = ""
        # Names that are members of a group; each may be in one group only.
        self._members = set[str]()
        self._keys: dict[str, set[bytes]] = {"log": set(), "witness": set()}

    def read(self, line: str, what: str) -> None:
        """Read one line; `what` names it in a refusal."""
        if any((each < " " and each != "\t") or each == "\x7f" for each in line):
            raise NoteUnreadable(what, "it has control characters")
        fields = [each for each in line.replace("\t", " ").split(" ") if each]
        if not fields or fields[0].startswith("#"):
            return
        match fields:
            case ["log", key, *url] if len(url) <= 1:
                self.logs.append(KnownLog(self._key(what, "log", key), *url))
            case ["witness", name, key, *url] if len(url) <= 1:
                self._require_new(what, name)
                self.witnesses.append(KnownWitness(name, self._key(what, "witness", key), *url))
            case ["group", *group] if len(group) >= _GROUP_FIELDS:
                self._add_group(what, group)
            case ["quorum", name]:
                self._set_quorum(what, name)
            case _:
                raise NoteUnreadable(what, f"{quoted(line)} is none of its lines")

    def _key(self, what: str, kind: str, text: str) -> VerifierKey:
        key = VerifierKey.parse(text)
        if (kind == "log") != (key.algorithm == ED25519):
            raise NoteUnreadable(what, f"its key does not sign as a {kind}")
        if key.public in self._keys[kind]:
            raise NoteUnreadable(what, f"another {kind} has the same key")
        self._keys[kind].add(key.public)
        return key

    def _add_group(self, what: str, fields: Sequence[str]) -> None:
        name, threshold, *members = fields
        self._require_new(what, name)
        for each in members:
            if each not in self._names or each in self._members:
                reason = f"{quoted(each)} is not defined before it, or is in another group"
                raise NoteUnreadable(what, reason)
            self._members.add(each)
        named = {"any": "1", "all": str(len(members))}
        count = named.get(threshold, threshold)
        if not (count.isascii() and count.isdigit() and 1 <= int(count) <= len(members)):
            raise NoteUnreadable(what, f"{quoted(threshold)} is not a number of its members")
        self.groups.append(WitnessGroup(name, int(count), tuple(members)))

    def _set_quorum(self, what: str, name: str) -> None:
        if self.quorum:
            raise NoteUnreadable(what, "there is another `quorum` before it")
        if name != NO_QUORUM and name not in self._names:
            raise NoteUnreadable(what, f"{quoted(name)} is not defined before it")
        self.quorum = name

    def _require_new(self, what: str, name: str) -> None:
        if name == NO_QUORUM or name in self._names:
            raise NoteUnreadable(what, f"the name {quoted(name)} is taken")

    @property
    def _names(self) -> Mapping[str, None]:
        return dict.fromkeys(each.name for each in (*self.witnesses, *self.groups))


def _line(*fields: str) -> str:
    return f"{' '.join(each for each in fields if each)}\n"
