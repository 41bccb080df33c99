"""What a token says that another party has signed, once it is verified."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from shared.domain.errors import SignedTokenRefused

_MAX_SECONDS = 1 << 40  # Some 30,000 years; what is above is no time.


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    values: Mapping[str, object]

    def text(self, name: str) -> str:
        """Return a claim that must be there and be text, or raise `SignedTokenRefused`."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise missing(name)
        return value

    def text_or_empty(self, name: str) -> str:
        """Return a claim that may be missing, or be something else than text."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a claim that is one text or a list of them; none where it is missing."""
        value = self.values.get(name)
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            return ()
        return tuple(each for each in cast(list[object], value) if isinstance(each, str))

    def seconds(self, name: str) -> int:
        """Return a time in seconds since 1970 that must be there, or raise the refusal."""
        value = self.values.get(name)
        # A boolean is a number to Python, and JSON may write a time as 1e9.
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise missing(name)
        if not 0 < value < _MAX_SECONDS:
            raise missing(name)
        return int(value)


def missing(name: str) -> SignedTokenRefused:
    """Return the refusal of a token without a claim that it needs."""
    return SignedTokenRefused(f"its claim {name} is missing, or is not what it should be")
