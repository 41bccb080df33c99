"""Signed notes, checkpoints and policies, as who verifies a log reads them.

The forms are those of c2sp.org: signed-note, tlog-checkpoint, tlog-cosignature and tlog-policy.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # pragma: no cover - a test runs the served file without it.
    sys.stderr.write("cryptography is missing. Install it: python3 -m pip install cryptography\n")
    raise SystemExit(2) from None  # Python's own 1 would say that something does not verify.

try:  # Before version 49, and with some builds of OpenSSL, `cryptography` has none.
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
except ImportError:  # pragma: no cover - the tests have a newer one.
    MLDSA44PublicKey = None

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LARGEST_NOTE_BYTES = 256_000  # 16 cosignatures of 5 KB fit several times.
LARGEST_POLICY_BYTES = 256_000
HASH_BYTES = 32

ED25519 = 0x01
ED25519_COSIGNATURE = 0x04
ML_DSA_44_COSIGNATURE = 0x06
_PUBLIC_KEY_BYTES = {ED25519: 32, ED25519_COSIGNATURE: 32, ML_DSA_44_COSIGNATURE: 1312}
_KEY_ID_BYTES = 4
_TIME_BYTES = 8
_MOST_SECONDS = 2**63 - 1


class Differs(Exception):
    """What was asked does not verify; the text names first what differs."""


class Malformed(Exception):
    """A text is not in the form that it should have; the text is a sentence that says why."""


def decoded(text: str) -> bytes:
    """Return the bytes of a text in Base64; raise `Malformed`."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = None
    # Two texts for the same bytes would be two notes for one signature.
    if content is None or base64.b64encode(content).decode() != text:
        message = "A value is not in Base64."
        raise Malformed(message)
    return content


def utf8(text: str) -> bytes:
    """Return the bytes of a text of a JSON answer, which are no UTF-8 if it has half a character
    (a lone surrogate)."""
    return text.encode("utf-8", "surrogatepass")


def decimal(text: str) -> int:
    """Return a number of at most 63 bits without leading zeros; raise `Malformed`."""
    is_number = text.isascii() and text.isdecimal() and (text == "0" or text[0] != "0")
    if not is_number or len(text) > len(str(_MOST_SECONDS)) or int(text) > _MOST_SECONDS:
        message = "A number is not written in decimal digits."
        raise Malformed(message)
    return int(text)


# --- Keys ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VerifierKey:
    """A public key with the name of who signs with it."""

    name: str
    key_id: bytes
    algorithm: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Return the key of `NAME+HEX+BASE64`; raise `Malformed`."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        content = decoded(encoded)
        if not _is_key_name(name) or not content:
            message = "A key is not in the form NAME+ID+BASE64."
            raise Malformed(message)
        algorithm = content[0]
        public = content[1:]
        computed = hashlib.sha256(f"{name}\n".encode() + content).digest()[:_KEY_ID_BYTES]
        if len(public) != _PUBLIC_KEY_BYTES.get(algorithm):
            message = f"The key of {name} is of a kind that is not known here."
            raise Malformed(message)
        if computed.hex() != key_id:
            message = f"The key of {name} has the id {key_id}, and its bytes give {computed.hex()}."
            raise Malformed(message)
        return cls(name, computed, algorithm, public)

    def renamed(self, name: str) -> VerifierKey:
        """Return the same public key as that of a log of another name."""
        content = f"{name}\n".encode() + bytes([self.algorithm]) + self.public
        key_id = hashlib.sha256(content).digest()[:_KEY_ID_BYTES]
        return VerifierKey(name, key_id, self.algorithm, self.public)

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Check a signature of the key over a message."""
        try:
            if self.algorithm == ML_DSA_44_COSIGNATURE:
                assert MLDSA44PublicKey is not None  # noqa: S101 - see `is_offered`.
                MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    @property
    def is_offered(self) -> bool:
        """Whether `cryptography` can verify signatures of this kind on this machine."""
        if self.algorithm != ML_DSA_44_COSIGNATURE:
            return True
        if MLDSA44PublicKey is None:
            return False
        try:
            MLDSA44PublicKey.from_public_bytes(self.public)
        except (UnsupportedAlgorithm, ValueError):
            return False
        return True


def _is_key_name(name: str) -> bool:
    # A byte that is no UTF-8 is a surrogate.
    is_odd = any(each.isspace() or "\ud800" <= each <= "\udfff" for each in name)
    return bool(name) and not is_odd and "+" not in name


# --- Notes --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NoteSignature:
    """A line below a note: who signed it, as the line says."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class SignedNote:
    """A text and what is signed below it; nothing of it is verified yet."""

    text: str
    signatures: Sequence[NoteSignature]

    @classmethod
    def parse(cls, content: bytes) -> SignedNote:
        """Return the note; raise `Malformed`."""
        if len(content) > LARGEST_NOTE_BYTES:
            message = f"It has more than {LARGEST_NOTE_BYTES:,} bytes."
            raise Malformed(message)
        try:
            note = content.decode("utf-8")
        except UnicodeDecodeError:
            message = "It is not UTF-8."
            raise Malformed(message) from None
        if any(each < " " and each != "\n" for each in note):
            message = "It has control characters."
            raise Malformed(message)
        text, separator, below = note.rpartition("\n\n")
        if not separator or not below.endswith("\n"):
            message = "It is cut: its last line has no end, or nothing is signed."
            raise Malformed(message)
        signatures = [_signature_of(line) for line in below[:-1].split("\n")]
        return cls(text + "\n", tuple(signatures))

    def signatures_of(self, key: VerifierKey) -> list[bytes]:
        """Return what claims to be signed by the key."""
        return [
            each.signature
            for each in self.signatures
            if (each.name, each.key_id) == (key.name, key.key_id)
        ]

    def is_signed_by(self, key: VerifierKey) -> bool:
        """Check that the owner of the log's key signed the note; raise `Differs` if a signature
        that claims to be of the key is not."""
        claimed = self.signatures_of(key)
        for signature in claimed:
            if not key.has_signed(self.text.encode(), signature):
                message = f"The signature of {key.name} does not verify with the key {key}."
                raise Differs(message)
        return bool(claimed)

    def is_cosigned_by(self, key: VerifierKey, checkpoint: Checkpoint) -> bool:
        """Check that a witness cosigned the note; raise `Differs` if a cosignature that claims to
        be of the witness is not."""
        claimed = self.signatures_of(key) if key.is_offered else []
        for signature in claimed:
            (seconds,) = struct.unpack(">Q", signature[:_TIME_BYTES].rjust(_TIME_BYTES, b"\xff"))
            message = _cosigned_message(key, self.text, checkpoint, seconds)
            is_valid = seconds <= _MOST_SECONDS and key.has_signed(message, signature[_TIME_BYTES:])
            if not is_valid:
                text = f"The cosignature of {key.name} does not verify with the key {key}."
                raise Differs(text)
        return bool(claimed)


def _signature_of(line: str) -> NoteSignature:
    mark, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    signature = decoded(encoded)
    if mark != "\u2014" or not _is_key_name(name) or len(signature) <= _KEY_ID_BYTES:
        message = "A line below it is no signature."
        raise Malformed(message)
    return NoteSignature(name, signature[:_KEY_ID_BYTES], signature[_KEY_ID_BYTES:])


def _cosigned_message(key: VerifierKey, text: str, checkpoint: Checkpoint, seconds: int) -> bytes:
    if key.algorithm == ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {seconds}\n{text}".encode()
    name = key.name.encode()
    origin = checkpoint.origin.encode()
    return b"".join(
        (
            b"subtree/v1\n\0",
            bytes([len(name) % 256]) + name,
            struct.pack(">Q", seconds),
            bytes([len(origin) % 256]) + origin,
            struct.pack(">QQ", 0, checkpoint.size),
            checkpoint.root,
        )
    )


@dataclass(frozen=True)
class Checkpoint:
    """The size and the root of a log, under its name."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Return the checkpoint of the text of a note; raise `Malformed`."""
        origin, *others = text[:-1].split("\n")
        if len(others) < 2 or not origin or "" in others:  # noqa: PLR2004 - size and root.
            message = "It has no three lines with the origin, the size and the root."
            raise Malformed(message)
        root = decoded(others[1])
        if len(root) != HASH_BYTES:
            message = f"Its root has {len(root)} bytes, and not {HASH_BYTES}."
            raise Malformed(message)
        return cls(origin, decimal(others[0]), root)


# --- Policies -----------------------------------------------------------------------------------

_NONE = "none"
_MOST_LINES = 1_000


@dataclass(frozen=True)
class WitnessGroup:
    """How many of its members have to cosign."""

    least: int
    members: Sequence[str]


@dataclass(frozen=True)
class LogPolicy:
    """Which keys a log may have, and which witnesses have to cosign it."""

    logs: Sequence[VerifierKey]
    witnesses: Mapping[str, VerifierKey]
    groups: Mapping[str, WitnessGroup]
    quorum: str

    @classmethod
    def parse(cls, content: bytes) -> LogPolicy:
        """Return the policy of a file of c2sp.org/tlog-policy; raise `Malformed`."""
        lines = content.decode("utf-8", "surrogateescape").split("\n")
        if len(content) > LARGEST_POLICY_BYTES or len(lines) > _MOST_LINES:
            message = "The policy is too long."
            raise Malformed(message)
        reader = _PolicyReader()
        for number, line in enumerate(lines, start=1):
            words = line.replace("\t", " ").strip(" ").split()
            if not words or words[0].startswith("#"):
                continue
            try:
                reader.read(words)
            except Malformed as reason:
                message = f"Line {number} of the policy is not valid. {reason}"
                raise Malformed(message) from None
        return reader.policy()

    def is_met_by(self, cosigned: Iterable[str]) -> bool:
        """Check whether the witnesses that cosigned are a quorum."""
        met = {*cosigned}
        for name, group in self.groups.items():  # Each names only those before it.
            if len(met.intersection(group.members)) >= group.least:
                met.add(name)
        return self.quorum == _NONE or self.quorum in met


class _PolicyReader:
    """Collects the lines of a policy."""

    def __init__(self) -> None:
        self._logs: list[VerifierKey] = []
        self._witnesses: dict[str, VerifierKey] = {}
        self._groups: dict[str, WitnessGroup] = {}
        self._grouped: set[str] = set()
        self._quorum: str | None = None
        self._keys: set[bytes] = set()

    def read(self, words: Sequence[str]) -> None:
        kind, *values = words
        if kind == "log" and len(values) in (1, 2):
            self._logs.append(self._key(values[0], (ED25519,)))
        elif kind == "witness" and len(values) in (2, 3):
            key = self._key(values[1], (ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE))
            self._witnesses[self._new_name(values[0])] = key
        elif kind == "group" and len(values) > 2:  # noqa: PLR2004 - name, threshold, a member.
            self._read_group(*values)
        elif kind == "quorum" and len(values) == 1 and self._quorum is None:
            if values[0] != _NONE:
                self._require_known(values[0])
            self._quorum = values[0]
        else:
            message = f"{kind!r} is no line of a policy, or has too many or too few words."
            raise Malformed(message)

    def _key(self, text: str, algorithms: Sequence[int]) -> VerifierKey:
        key = VerifierKey.parse(text)
        if key.algorithm not in algorithms:
            message = f"The key of {key.name} is of another kind."
            raise Malformed(message)
        if key.public in self._keys:
            message = f"The key of {key.name} is there twice."
            raise Malformed(message)
        self._keys.add(key.public)
        return key

    def _new_name(self, name: str) -> str:
        if name == _NONE or name in self._witnesses or name in self._groups:
            message = f"The name {name} is taken."
            raise Malformed(message)
        return name

    def _require_known(self, name: str) -> None:
        if name not in self._witnesses and name not in self._groups:
            message = f"No line before it defines {name}."
            raise Malformed(message)

    def _read_group(self, name: str, threshold: str, *members: str) -> None:
        for each in members:
            self._require_known(each)
            if each in self._grouped:
                message = f"{each} is a member twice."
                raise Malformed(message)
            self._grouped.add(each)
        least = {"any": 1, "all": len(members)}.get(threshold) or decimal(threshold)
        if not 1 <= least <= len(members):
            message = f"{least} of {len(members)} members cannot cosign."
            raise Malformed(message)
        self._groups[self._new_name(name)] = WitnessGroup(least, members)

    def policy(self) -> LogPolicy:
        if self._quorum is None:
            message = "The policy has no line with its quorum."
            raise Malformed(message)
        return LogPolicy(tuple(self._logs), self._witnesses, self._groups, self._quorum)


# --- What is trusted ----------------------------------------------------------------------------


def verified_checkpoint(content: bytes, policy: LogPolicy) -> Checkpoint:
    """Return a checkpoint that a log of the policy signed and its quorum cosigned.

    Raise `Differs`, or `Malformed` where it is no checkpoint.
    """
    note = SignedNote.parse(content)
    checkpoint = Checkpoint.parse(note.text)
    origins = sorted({key.name for key in policy.logs})
    if checkpoint.origin not in origins:
        message = f"The origin {checkpoint.origin} is another one than {' or '.join(origins)}."
        raise Differs(message)
    keys = [key for key in policy.logs if key.name == checkpoint.origin]
    signed = [note.is_signed_by(key) for key in keys]
    if not any(signed):
        message = (
            f"No signature is of the key {' or '.join(map(str, keys))}. If the operator replaced "
            "it, compare the new one, and name it with --key."
        )
        raise Differs(message)
    witnesses = policy.witnesses.items()
    cosigned = [name for name, key in witnesses if note.is_cosigned_by(key, checkpoint)]
    if not policy.is_met_by(cosigned):
        by = ", ".join(cosigned) or "nobody"
        message = f"The cosignatures are of {by}, which is less than the quorum {policy.quorum}."
        if unknown := ", ".join(name for name, key in witnesses if not key.is_offered):
            message += f" Those of {unknown} cannot be verified here. Install a newer cryptography."
        raise Differs(message)
    return checkpoint
