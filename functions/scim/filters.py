"""The filter of a list (RFC 7644, 3.4.2.2): how it is parsed, and which users and groups it
selects."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from scim2_models import ScimFilter
from scim2_models.path import Comparison, LogicalExpr

from functions.scim.resources import Group, ModelT, User, group_model, refusing, user_model
from shared.domain.scim import ScimGroup, ScimRefused, ScimUser

MAX_SCANNED = 2_000  # Resources that a filter without an index may be compared with.
_MEMBERS = frozenset({"members", "members.value"})  # Attributes with the id of a member.
_MEMBERS_NAMED = re.compile(r"\bmembers\b", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


class ListFilter(Struct, frozen=True):
    """What a list is asked for: comparisons that all have to hold, by attribute in lower case, and
    the ids of members that a group has to have; or the text of another filter."""

    equal: Mapping[str, str] = {}
    again: Sequence[tuple[str, str]] = ()  # Of an attribute with a second value.
    members: Sequence[str] = ()
    other: str = ""


def list_filter_of(text: str, kind: type[ModelT]) -> ListFilter:
    """Read a filter; raise `scim-refused`."""
    if not text:
        return ListFilter()
    bound: Any = ScimFilter.__class_getitem__(kind)
    parsed = refusing(lambda: bound(text))
    equal: dict[str, str] = {}
    again: list[tuple[str, str]] = []
    members: list[str] = []
    for each in _terms(parsed.ast):
        if each is None:
            return _other_filter(text, kind)
        field, value = each
        if kind is Group and field in _MEMBERS:
            members.append(value)
        elif equal.setdefault(field, value) != value:
            again.append(each)
    return ListFilter(equal=equal, again=again, members=members)


def _other_filter(text: str, kind: type[ModelT]) -> ListFilter:
    """Return a filter that the library compares, which has no members of groups."""
    if kind is Group and _MEMBERS_NAMED.search(_QUOTED.sub("", text)):
        raise ScimRefused(
            "invalidFilter",
            'Members are compared with `eq` only: members.value eq "ID", alone or with other '
            "comparisons joined by `and`.",
        )
    return ListFilter(other=text)


def _terms(node: object) -> Iterator[tuple[str, str] | None]:
    if isinstance(node, LogicalExpr) and node.op.value == "and":
        for each in node.terms:
            yield from _terms(each)
    elif isinstance(node, Comparison) and node.op.value == "eq" and isinstance(node.value, str):
        yield str(node.attr_path).rpartition(":")[2].lower(), node.value
    else:
        yield None


def matching(wanted: ListFilter, found: Sequence[ScimUser]) -> list[ScimUser]:
    """Return the users that a filter selects of those that were found."""
    return _matching(wanted, found, User, user_model)


def matching_groups(wanted: ListFilter, found: Sequence[ScimGroup]) -> list[ScimGroup]:
    """Return the same of groups; the caller compares their members."""
    return _matching(wanted, found, Group, group_model)


StoredT = TypeVar("StoredT", ScimUser, ScimGroup)


def _matching(
    wanted: ListFilter,
    found: Sequence[StoredT],
    kind: type[ModelT],
    model_of: Callable[[StoredT], ModelT],
) -> list[StoredT]:
    equal = [*wanted.equal.items(), *wanted.again]
    parts = [f"{field} eq {ScimFilter.quote(text)}" for field, text in equal]
    text = wanted.other or " and ".join(parts)
    if not text:
        return list(found)
    if len(found) > MAX_SCANNED:
        raise ScimRefused(
            "tooMany",
            f"The filter would be compared with {len(found):,} resources. Filter by id, userName "
            "or externalId.",
        )
    bound: Any = ScimFilter.__class_getitem__(kind)
    parsed = refusing(lambda: bound(text))
    return [each for each in found if parsed.match(model_of(each))]
