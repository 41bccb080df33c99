"""What may be asked of a new token: its name, its scopes, the packages and addresses that it is
limited to, and its lifetime.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.ip_addresses import parse_ranges
from shared.domain.rights import Grant, Scope

MAX_TOKEN_NAME_LENGTH = 80  # Characters.
MAX_TOKEN_DAYS = 365  # After a year it is often unknown who uses a token.

_PATTERN = re.compile(r"[A-Za-z0-9_.*?]{1,200}")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The name, rights and lifetime of a new token."""

    name: str
    grant: Grant
    days: int | None = None  # None is the default of the settings.
    addresses: tuple[str, ...] = ()  # Permitted ranges; empty permits all.

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
        """Read a request, or raise `InvalidRequest`."""
        with about_field("scope"):
            granted = _scopes(scopes)
        with about_field("org"):
            orgs = _pattern("organization", org)
        with about_field("package"):
            packages = _pattern("package", package)
        with about_field("name"):
            checked = parse_token_name(name)
        with about_field("days"):
            lifetime = _days(days)
        with about_field("addresses"):
            ranges = parse_ranges(addresses)
        grant = Grant(scopes=granted, org=orgs, package=packages)
        return cls(checked, grant, lifetime, ranges)

    @property
    def manages(self) -> bool:
        """Whether the token can create other tokens."""
        return Scope.MANAGE in self.grant.scopes


def parse_token_name(text: str) -> str:
    """Return the name of a token, or raise `InvalidRequest`."""
    name = text.strip()
    if not name or len(name) > MAX_TOKEN_NAME_LENGTH or not name.isprintable():
        message = (
            f"A token's name is one line of 1 to {MAX_TOKEN_NAME_LENGTH} characters. "
            "Name it for what uses it, such as laptop or nightly build."
        )
        raise InvalidRequest(message)
    return name


def _scopes(texts: Iterable[str]) -> frozenset[Scope]:
    known = {scope.value: scope for scope in Scope}
    given = list(texts)
    unknown = [text for text in given if text not in known]
    if unknown or not given:
        what = f"{unknown[0]!r} is no scope" if unknown else "A token needs a scope"
        message = f"{what}. Choose among {', '.join(known)}."
        raise InvalidRequest(message)
    return frozenset(known[text] for text in given)


def _pattern(what: str, text: str) -> str:
    if not _PATTERN.fullmatch(text):
        message = (
            f"{text[:80]!r} is not a pattern for the {what}. Write its name; * stands for any "
            "characters, ? for one."
        )
        raise InvalidRequest(message)
    return text


def _days(days: int | None) -> int | None:
    if days is not None and not 1 <= days <= MAX_TOKEN_DAYS:
        message = f"A token is good for 1 to {MAX_TOKEN_DAYS} days, not {days}."
        raise InvalidRequest(message)
    return days
