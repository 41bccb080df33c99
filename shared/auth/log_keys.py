"""Keys that sign the checkpoints of the transparency log: Ed25519, as c2sp.org/signed-note has it.

A line of their text is the time since when a key is used, its seed of 32 bytes in Base64, and for
an earlier key `until` and the time at which it stops signing.
"""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from msgspec import Struct

from shared.auth.key_texts import KeyFile, decoded_key, key_lines, time_of_key
from shared.auth.reread_secrets import ReadKeys, RereadSecret, StoredKeys
from shared.auth.secrets import Secret
from shared.domain.errors.identity import KeyTrouble
from shared.ports.system import Clock, Randomness

# The name of the file in the folder of keys, and of the secret in the vault.
FILE_NAME = "log-keys"
WITNESS_FILE_NAME = "witness-keys"  # The same for the witness of other logs.
OTHER_LOGS = "other logs"  # In sentences, what the key of the witness signs.
SEED_BYTES = 32

_UNTIL = "until"
_WORDS = 2  # Words in a line; the line of a key that stops signing has two more.
_WORDS_OF_EARLIER = 4


class LogKey(Struct, frozen=True):
    """A key that signs checkpoints; `until_ms` is None for the newest one."""

    secret: Secret  # The seed, in Base64.
    since_ms: int
    until_ms: int | None = None

    @property
    def seed(self) -> bytes:
        """The private key of Ed25519, 32 bytes."""
        return base64.b64decode(self.secret.reveal())

    def signs_at(self, now_ms: int) -> bool:
        return self.until_ms is None or now_ms < self.until_ms


class LogKeyRing(Struct, frozen=True):
    """The keys of a log, newest first."""

    keys: tuple[LogKey, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text of the keys; raise `ValueError`, which shows no key."""
        keys = tuple(_parsed(words) for words in key_lines(text))
        if not keys or keys[0].until_ms is not None:
            message = "it has no key that goes on signing"
            raise ValueError(message)
        return cls(keys)

    @classmethod
    def of_secret(cls, stored: StoredKeys) -> Self:
        return cls.parse(stored.text.reveal())


class LogKeys:
    """The keys that sign the checkpoints of a log, or as a witness those of other logs."""

    def __init__(
        self,
        read: ReadKeys,
        clock: Clock,
        on_trouble: Callable[[KeyTrouble], None],
        *,
        signed: str = "the log",
    ) -> None:
        """Call `on_trouble` for each read that returned no key; `signed` says what they sign."""
        self._clock = clock
        self._secret = RereadSecret(
            read, LogKeyRing.of_secret, clock, on_trouble=on_trouble, signed=signed
        )

    async def ready(self) -> None:
        """Wait until there is a key to sign with; raise `SigningKeyUnavailable`."""
        await self._secret.ready()

    def signers(self) -> tuple[LogKey, ...]:
        """Return the keys that sign a checkpoint now, newest first: two while a rotation lasts.

        Raises `SigningKeyUnavailable`, which callers avoid by `ready`.
        """
        now_ms = self._clock.now_ms()
        return tuple(key for key in self._secret.current.keys if key.signs_at(now_ms))


def log_key_file(folder: Path, clock: Clock, randomness: Randomness) -> KeyFile:
    """Return the file of the keys on one machine."""
    return _key_file(folder / FILE_NAME, clock, randomness)


def witness_key_file(folder: Path, clock: Clock, randomness: Randomness) -> KeyFile:
    """Return the file of the key that cosigns other logs; it signs nothing else."""
    return _key_file(folder / WITNESS_FILE_NAME, clock, randomness)


def _key_file(path: Path, clock: Clock, randomness: Randomness) -> KeyFile:
    def make(since: str) -> str:
        return f"{since} {base64.b64encode(randomness.token_bytes(SEED_BYTES)).decode()}"

    return KeyFile(path, clock, make, _earlier_lines)


def _earlier_lines(earlier: Sequence[Sequence[str]], until: str) -> list[str]:
    """Return the lines of the keys beside a new one: all stop at `until`, or when they would."""
    until_ms = time_of_key(until)
    kept = list[str]()
    for words in earlier:
        stops_ms = _parsed(words).until_ms
        stops = until if stops_ms is None or stops_ms > until_ms else words[-1]
        kept.append(f"{words[0]} {words[1]} {_UNTIL} {stops}")
    return kept


def _parsed(words: Sequence[str]) -> LogKey:
    is_earlier = len(words) == _WORDS_OF_EARLIER and words[2] == _UNTIL
    if len(words) != _WORDS and not is_earlier:
        message = "a line is a time and a key, and until and a time for an earlier key"
        raise ValueError(message)
    if len(decoded_key(words[1])) != SEED_BYTES:
        message = f"a key has {SEED_BYTES} bytes"
        raise ValueError(message)
    return LogKey(
        secret=Secret(words[1]),
        since_ms=time_of_key(words[0]),
        until_ms=time_of_key(words[3]) if is_earlier else None,
    )
