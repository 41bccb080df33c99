"""What a new token is to be called and good for, read from what somebody has sent."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from shared.domain.address_ranges import parse_ranges
from shared.domain.errors import InvalidRequest
from shared.domain.rights import Grant, Scope

MAX_NAME_LENGTH = 80  # Characters: one line of a list.
MAX_DAYS = 365  # A longer-lived token outlives the memory of who uses it.

_PATTERN = re.compile(r"[A-Za-z0-9_.*?]{1,200}")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a new token is to be called and good for."""

    name: str
    grant: Grant
    days: int | None = None  # None: as long as the registry's setting says.
    addresses: tuple[str, ...] = ()  # Ranges that it may be used from; none are no limit.

    @classmethod
    def parse(
        cls,
        name: str,
        scopes: Iterable[str],
        *,
        org: str,
        package: str,
        days: int | None,
        addresses: Iterable[str] = (),
    ) -> Self:
        """Read a request, or raise `InvalidRequest` with what to write instead."""
        grant = Grant(
            scopes=_scopes(scopes),
            org=_pattern("organization", org),
            package=_pattern("package", package),
        )
        return cls(parse_name(name), grant, _days(days), parse_ranges(addresses))

    @property
    def manages(self) -> bool:
        """Say whether the token could make others."""
        return Scope.MANAGE in self.grant.scopes


def parse_name(text: str) -> str:
    """Return the name of a token, or raise `InvalidRequest`."""
    name = text.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        message = (
            f"A token's name is one line of 1 to {MAX_NAME_LENGTH} characters. "
            "Name it for what uses it, such as laptop or nightly build."
        )
        raise InvalidRequest(message)
    return name


def _scopes(texts: Iterable[str]) -> frozenset[Scope]:
    known = {scope.value: scope for scope in Scope}
    asked = list(texts)
    unknown = [text for text in asked if text not in known]
    if unknown or not asked:
        what = f"{unknown[0]!r} is no scope" if unknown else "A token needs a scope"
        message = f"{what}. Choose among {', '.join(known)}."
        raise InvalidRequest(message)
    return frozenset(known[text] for text in asked)


def _pattern(what: str, text: str) -> str:
    if not _PATTERN.fullmatch(text):
        message = (
            f"{text[:80]!r} is no pattern for the {what}. Write its name; * stands for any "
            "characters, ? for one."
        )
        raise InvalidRequest(message)
    return text


def _days(days: int | None) -> int | None:
    if days is not None and not 1 <= days <= MAX_DAYS:
        message = f"A token is good for 1 to {MAX_DAYS} days, not {days}."
        raise InvalidRequest(message)
    return days
