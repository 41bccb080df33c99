"""Finds access tokens of this registry in the contents of an archive that somebody pushes."""

import re
from dataclasses import dataclass, field

from shared.auth.tokens import (
    CHECKSUM_LENGTH,
    OWNER_LENGTH,
    RANDOM_LENGTH,
    TOKEN_PREFIX,
    checksum_of,
)
from shared.domain.errors.base import BadArchive

# Texts in one archive that look like access tokens: comparing their checksums takes a moment.
MAX_LOOKALIKES = 10_000


@dataclass(slots=True)
class TokenSearch:
    """Finds the tokens of an environment in the contents of one archive, without a store: the
    checksum tells tokens from texts of the same form."""

    environment: str
    _lookalikes: int = field(default=0, init=False)
    _prefix: bytes = field(init=False)
    _form: re.Pattern[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._prefix = f"{TOKEN_PREFIX}{self.environment}_".encode()
        length = OWNER_LENGTH + RANDOM_LENGTH + CHECKSUM_LENGTH
        self._form = re.compile(self._prefix + rb"[0-9A-Za-z]{%d}" % length)

    def find(self, content: bytes) -> int | None:
        """Return where the first token begins, or None; raise `too-many-lookalikes`."""
        if self._prefix not in content:
            return None
        for match in self._form.finditer(content):
            start = match[0][:-CHECKSUM_LENGTH]
            checksum = match[0][-CHECKSUM_LENGTH:]
            if checksum.decode() == checksum_of(start.decode()):
                return match.start()
            self._lookalikes += 1
            if self._lookalikes > MAX_LOOKALIKES:
                raise BadArchive(
                    "too-many-lookalikes",
                    f"The archive contains more than {MAX_LOOKALIKES:,} texts with the form of an "
                    "access token of this registry and a wrong checksum. Remove them and pack "
                    "again.",
                )
        return None


def own_token_form(environment: str) -> tuple[str, int, int]:
    """Return how access tokens of an environment begin, their length from there on, and that of
    their checksum."""
    length = OWNER_LENGTH + RANDOM_LENGTH + CHECKSUM_LENGTH
    return f"{TOKEN_PREFIX}{environment}_", length, CHECKSUM_LENGTH
