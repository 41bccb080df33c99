"""Lists of users, groups, schemas and types, and their pages (RFC 7644, 3.4.2)."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from shared.domain.errors.base import printable
from shared.domain.scim import ScimRefused

PAGE_SIZE = 100
MAX_PAGE_SIZE = 500

_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

ResourceT = TypeVar("ResourceT")


class Page(Struct, frozen=True):
    """Which resources of a list are sent: `count` of them from the number `start`, from 1 on."""

    start: int
    count: int

    @classmethod
    def of(cls, params: Mapping[str, str]) -> "Page":
        start = _number(params, "startIndex", 1)
        count = _number(params, "count", PAGE_SIZE)
        return cls(max(1, start), min(max(0, count), MAX_PAGE_SIZE))

    def select(self, found: Sequence[ResourceT]) -> Sequence[ResourceT]:
        return found[self.start - 1 : self.start - 1 + self.count]


def list_json(resources: Sequence[Mapping[str, Any]], total: int, start: int) -> dict[str, Any]:
    return {
        "schemas": [_LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(resources),
        "Resources": resources,
    }


def _number(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name, "")
    if not text:
        return default
    digits = text.removeprefix("-")
    if not digits.isdecimal() or len(digits) > 9:  # noqa: PLR2004 - no list has a billion.
        raise ScimRefused("invalidValue", f"{name} must be a number, not {printable(text)!r}.")
    return int(text)
