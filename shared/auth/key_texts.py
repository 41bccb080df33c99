"""The texts that keep asymmetric keys: a line for each key, the newest first, in a file on one
machine, in a secret of the vault in the cloud, or in a setting.
"""

import base64
from collections.abc import Callable, Sequence
from heapq import merge
from operator import itemgetter
from pathlib import Path

from msgspec import Struct

from shared.auth.reread_secrets import ReadKeys, StoredKeys
from shared.auth.secrets import Secret
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import Busy
from shared.domain.times import parse_time, utc_text
from shared.ports.system import Clock
from shared.runtime.file_existence import exists
from shared.runtime.private_files import make_private_folder, replace_private


def key_lines(text: str) -> list[list[str]]:
    """Return the words of each line; a setting may have commas in place of the ends of lines."""
    lines = [line.split() for line in text.replace(",", "\n").splitlines()]
    return [words for words in lines if words]


def newest_made_ms(stored: StoredKeys) -> int:
    """Return since when the newest key of a text is used; raise `ValueError` for none."""
    for words in key_lines(stored.text.reveal()):
        return time_of_key(words[0])
    message = "it has no key"
    raise ValueError(message)


def with_older_keys(content: bytes, older: bytes) -> bytes:
    """Return the text in `content` with the keys of `older` that it lacks, the newest first.

    A key is known by the time since when it is used. Its line changes after a rotation, so that of
    `content` stays.
    """
    lines = key_lines(content.decode("ascii"))
    known = {words[0] for words in lines}
    lacking = [words for words in key_lines(older.decode("ascii")) if words[0] not in known]
    # Keys of one text keep their order: after the clock was set back, a newer one has an earlier
    # time.
    merged = merge(lines, lacking, key=itemgetter(0), reverse=True)
    return "".join(f"{' '.join(words)}\n" for words in merged).encode("ascii")


def time_of_key(text: str) -> int:
    """Parse a time such as 2026-11-20T10:00:00Z, or raise `ValueError`."""
    try:
        return parse_time("time", text)
    except Refusal as refusal:
        raise ValueError(str(refusal)) from None


def decoded_key(text: str) -> bytes:
    """Decode the Base64 of a key, or raise `ValueError`, which does not show it."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        message = "a key is not in Base64"
        raise ValueError(message) from None


def text_of_setting(text: Secret) -> ReadKeys:
    """Return the reader of a text that a setting has."""

    async def read() -> StoredKeys:
        return StoredKeys(text, 0)

    return read


class KeyFile(Struct, frozen=True):
    """The text of keys in a file that only the registry's user may read.

    `make` returns the line of a new key that is used from a time on, and `retire` the lines of the
    earlier keys beside it, given the time until which they are wanted.
    """

    path: Path
    clock: Clock
    make: Callable[[str], str]
    retire: Callable[[Sequence[Sequence[str]], str], Sequence[str]]

    async def read(self) -> StoredKeys | None:
        """Return the text; None if the file is missing; raise `Busy` if it cannot be read."""
        try:
            text = self.path.read_text("ascii", errors="replace")  # What is no ASCII is no key.
            stored_ms = int(self.path.stat().st_mtime * 1000)
        except FileNotFoundError:
            return None
        except OSError:
            raise Busy from None
        return StoredKeys(Secret(text), stored_ms)

    def make_missing(self) -> None:
        """Create the first key where there is none; only the process that prepares the data folder
        may do that."""
        if not exists(self.path):
            self._write([self.make(utc_text(self.clock.now_ms()))])

    def rotate(self, until_ms: int) -> None:
        """Create a new key, and keep what is needed of the earlier ones; `until_ms` is for keys
        that sign beside the new one. Running processes read it within minutes."""
        earlier = key_lines(self.path.read_text("ascii")) if exists(self.path) else []
        kept = self.retire(earlier, utc_text(until_ms))
        self._write([self.make(utc_text(self.clock.now_ms())), *kept])

    def _write(self, lines: Sequence[str]) -> None:
        make_private_folder(self.path.parent)
        replace_private(self.path, "".join(f"{line}\n" for line in lines).encode("ascii"))
