"""Signed notes, as c2sp.org/signed-note and c2sp.org/tlog-cosignature describe them: keys of logs
and of witnesses, and their signatures.

A note is a text, an empty line, and lines with signatures. Signatures of unknown keys are ignored.
"""

import hashlib
import re
from functools import cached_property
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from shared.domain.errors.base import quoted
from shared.domain.errors.transparency import NoteUnreadable, ProofRefused
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.encodings import base64_of, bytes_of_base64

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = 0x01  # The key type of logs.
COSIGNATURE = 0x04  # The key type of witnesses: Ed25519 with a timestamp.
MLDSA_COSIGNATURE = 0x06  # The key type of witnesses: ML-DSA-44 with a timestamp.

LARGEST_NOTE_BYTES = 1024 * 1024
MOST_SIGNATURES = 100  # As many as Go's package reads; at least 16 have to be read.

_KEY_BYTES = {ED25519: 32, COSIGNATURE: 32, MLDSA_COSIGNATURE: 1312}
_KEY_ID_BYTES = 4
_TIME_BYTES = 8
_LATEST_TIME = 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH = "\N{EM DASH} "


class VerifierKey(Struct, frozen=True):
    """A public key with the name of its owner, which verifies signatures of one kind."""

    name: str
    algorithm: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `NAME+ID+KEY`; raise `NoteUnreadable`, also of kinds that are not known here."""
        name, _, rest = text.partition("+")
        key_id, plus, encoded = rest.partition("+")
        if not plus or not is_key_name(name):
            raise NoteUnreadable(_A_KEY, "it has the form NAME+ID+KEY, without spaces")
        content = bytes_of_base64(_A_KEY, encoded)
        algorithm = content[0] if content else 0
        if len(content) != 1 + _KEY_BYTES.get(algorithm, -1):
            reason = "it is not one of Ed25519 or ML-DSA-44 that signs checkpoints"
            raise NoteUnreadable(_A_KEY, reason)
        key = cls(name, algorithm, content[1:])
        if key.key_id.hex() != key_id:
            raise NoteUnreadable(_A_KEY, f"its id {quoted(key_id)} is not that of its name and key")
        return key

    @property
    def text(self) -> str:
        """The key as clients take it: `NAME+ID+KEY`."""
        encoded = base64_of(bytes([self.algorithm]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @property
    def key_id(self) -> bytes:
        """What stands before each of its signatures."""
        hashed = f"{self.name}\n".encode() + bytes([self.algorithm]) + self.public
        return hashlib.sha256(hashed).digest()[:_KEY_ID_BYTES]

    @property
    def is_of_witness(self) -> bool:
        return self.algorithm != ED25519

    @property
    def is_offered(self) -> bool:
        """Whether this installation can verify signatures of this kind."""
        return self.algorithm != MLDSA_COSIGNATURE or _mldsa_is_offered()


_A_KEY = "A verifier key"


def is_key_name(name: str) -> bool:
    return name.split() == [name] and "+" not in name


class NoteSignature(Struct, frozen=True):
    """A line with a signature below a note."""

    name: str
    key_id: bytes
    signature: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line without its newline; raise `NoteUnreadable`."""
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        content = bytes_of_base64(_A_NOTE, encoded)
        if not line.startswith(_DASH) or not is_key_name(name) or len(content) <= _KEY_ID_BYTES:
            raise NoteUnreadable(_A_NOTE, "one of its last lines is not a signature")
        return cls(name, content[:_KEY_ID_BYTES], content[_KEY_ID_BYTES:])

    @property
    def line(self) -> str:
        """The line with its newline."""
        return f"{_DASH}{self.name} {base64_of(self.key_id + self.signature)}\n"

    def is_by(self, key: VerifierKey) -> bool:
        """Whether it says that it is by this key."""
        return (self.name, self.key_id) == (key.name, key.key_id)


_A_NOTE = "A signed note"


class SignedNote(Struct, frozen=True):
    """A text with signatures, which may be by anybody."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read a note; raise `NoteUnreadable`."""
        encoded = content.encode() if isinstance(content, str) else content
        if len(encoded) > LARGEST_NOTE_BYTES:
            raise NoteUnreadable(_A_NOTE, f"it has more than {LARGEST_NOTE_BYTES:,} bytes")
        try:
            note = encoded.decode()
        except UnicodeDecodeError:
            raise NoteUnreadable(_A_NOTE, "it is not UTF-8") from None
        if _CONTROL.search(note):
            raise NoteUnreadable(_A_NOTE, "it has control characters")
        text, separator, signatures = note.rpartition("\n\n")
        if not separator or not signatures.endswith("\n"):
            reason = "there is no empty line with signatures after it"
            raise NoteUnreadable(_A_NOTE, reason)
        lines = signatures.removesuffix("\n").split("\n")
        if len(lines) > MOST_SIGNATURES:
            raise NoteUnreadable(_A_NOTE, f"it has more than {MOST_SIGNATURES} signatures")
        return cls(f"{text}\n", tuple(map(NoteSignature.parse, lines)))

    @property
    def content(self) -> str:
        """The note as it is served."""
        return f"{self.text}\n{''.join(each.line for each in self.signatures)}"

    def with_signatures(self, added: tuple[NoteSignature, ...]) -> "SignedNote":
        """Return the note with further signatures; those that it has stay once."""
        new = tuple(each for each in dict.fromkeys(added) if each not in self.signatures)
        return SignedNote(self.text, self.signatures + new)

    def verified_by(self, key: VerifierKey) -> bool:
        """Check whether the key has signed the text; raise `ProofRefused` if a signature says so
        and is not valid.

        A kind of signature that this installation cannot verify counts as none.
        """
        found = next((each for each in self.signatures if each.is_by(key)), None)
        if found is None or not key.is_offered:
            return False
        if not _is_valid(key, self.text, found.signature):
            message = f"The signature of {quoted(key.name)} is not valid."
            raise ProofRefused(message)
        return True

    def cosigned_at(self, key: VerifierKey) -> int | None:
        """Return when the witness cosigned it, in seconds since 1970, or None; raise `ProofRefused`
        as `verified_by` does."""
        if not key.is_of_witness or not self.verified_by(key):
            return None
        [found, *_] = [each for each in self.signatures if each.is_by(key)]
        return int.from_bytes(found.signature[:_TIME_BYTES], "big")


class NoteSigner:
    """Signs notes with an Ed25519 key."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Sign as `name`, with the key that the 32 bytes are the seed of."""
        self._name = name
        self._key = _private_key(seed)

    @cached_property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self._name, ED25519, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> NoteSignature:
        """Return the signature of a text that ends with a newline."""
        return NoteSignature(self._name, self.verifier.key_id, self._key.sign(text.encode()))


class Cosigner:
    """Cosigns checkpoints of others as a witness, with an Ed25519 key that signs nothing else."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Cosign as `name`, with the key that the 32 bytes are the seed of."""
        self._name = name
        self._key = _private_key(seed)

    @cached_property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self._name, COSIGNATURE, self._key.public_key().public_bytes_raw())

    def cosign(self, text: str, seconds: int) -> NoteSignature:
        """Return the cosignature of the text of a checkpoint at a time, in seconds since 1970."""
        signature = self._key.sign(_cosigned(text, seconds))
        time = seconds.to_bytes(_TIME_BYTES, "big")
        return NoteSignature(self._name, self.verifier.key_id, time + signature)


def _private_key(seed: bytes) -> "Ed25519PrivateKey":
    # cryptography takes 25 ms to import, which a start does not need.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    return Ed25519PrivateKey.from_private_bytes(seed)


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _is_valid(key: VerifierKey, text: str, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - as above.
        Ed25519PublicKey,
    )

    try:
        if key.algorithm == ED25519:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
            return True
        seconds = int.from_bytes(signature[:_TIME_BYTES], "big")
        rest = signature[_TIME_BYTES:]
        if seconds > _LATEST_TIME:
            return False
        if key.algorithm == COSIGNATURE:
            Ed25519PublicKey.from_public_bytes(key.public).verify(rest, _cosigned(text, seconds))
        else:
            _verify_mldsa(key, text, seconds, rest)
    # `ValueError` is raised for a key that is not a point of the curve.
    except (InvalidSignature, ValueError):
        return False
    return True


def _verify_mldsa(key: VerifierKey, text: str, seconds: int, signature: bytes) -> None:
    """Raise `InvalidSignature` or `ValueError` unless it is a valid ML-DSA-44 cosignature."""
    from cryptography.hazmat.primitives.asymmetric.mldsa import (  # noqa: PLC0415 - not everywhere.
        MLDSA44PublicKey,
    )

    public = MLDSA44PublicKey.from_public_bytes(key.public)
    public.verify(signature, mldsa_message(key.name, Checkpoint.parse(text), seconds))


def mldsa_message(cosigner: str, checkpoint: Checkpoint, seconds: int) -> bytes:
    """Return what an ML-DSA-44 cosignature of a checkpoint signs; raise `ValueError` if a name is
    too long for it."""
    fields = (
        b"subtree/v1\n\x00",
        _short_text(cosigner),
        seconds.to_bytes(_TIME_BYTES, "big"),
        _short_text(checkpoint.origin),
        bytes(8),  # The index of the first leaf.
        checkpoint.size.to_bytes(8, "big"),
        checkpoint.root,
    )
    return b"".join(fields)


def _short_text(text: str) -> bytes:
    content = text.encode()
    if not 1 <= len(content) <= 0xFF:  # noqa: PLR2004 - its length has one byte.
        raise ValueError
    return bytes([len(content)]) + content


def _mldsa_is_offered() -> bool:
    """Whether `cryptography` and its OpenSSL have ML-DSA-44."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above.

    try:
        from cryptography.hazmat.primitives.asymmetric.mldsa import (  # noqa: PLC0415 - as above.
            MLDSA44PublicKey,
        )

        MLDSA44PublicKey.from_public_bytes(bytes(_KEY_BYTES[MLDSA_COSIGNATURE]))
    except (ImportError, UnsupportedAlgorithm):
        return False
    except ValueError:
        return True
    return True
