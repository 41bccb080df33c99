"""Limits of GraphQL queries: a query that would cost much is refused before it is validated."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
    print_ast,
)

from shared.domain.search import MAX_LIMIT

MAX_QUERY_CHARACTERS = 64 * 1024
MAX_DEPTH = 12  # Of brackets; the deepest query of a client has six.
MAX_TOKENS = 1_500  # Fifty aliased fields with arguments have 1,200.
MAX_FIELDS = 50  # Of a query, after its fragments are put in.
MAX_PARTS = 200  # Fields below one of those; a module has fifty.
MAX_COST = 100  # Ten modules, fifty packages, or a list of a thousand packages.

_COSTS = {"apiDocs": 10, "packages": 10, "package": 2}
_PACKAGES_FOR_ONE = 20  # Listed packages that cost one.

_BRACKETS = re.compile(r'"""(?s:.*?)"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|[{}\[\]()]')
_STEPS = {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}

Fragments = Mapping[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What a client sent."""

    query: str
    operation: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])


def parse_within_limits(request: GraphQLRequest) -> DocumentNode:
    """Return the parsed query, or raise `GraphQLError` if it is invalid or costs too much."""
    if len(request.query) > MAX_QUERY_CHARACTERS:
        message = f"The query has more than {MAX_QUERY_CHARACTERS:,} characters."
        raise GraphQLError(message)
    _require_shallow(request.query)
    document = parse(request.query, no_location=True, max_tokens=MAX_TOKENS)
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode):
            _require_cheap(each.selection_set, fragments, request.variables)
    return document


def _require_shallow(query: str) -> None:
    """Raise for nested brackets, which the parser would read by recursion."""
    depth = 0
    for found in _BRACKETS.finditer(query):
        depth += _STEPS.get(found[0], 0)
        if depth > MAX_DEPTH:
            message = f"The query is nested more than {MAX_DEPTH} levels deep."
            raise GraphQLError(message)


def _require_cheap(
    selections: SelectionSetNode, fragments: Fragments, variables: Mapping[str, Any]
) -> None:
    cost, answers = 0, dict[str, str]()
    for count, each in enumerate(_fields(selections, fragments, ()), start=1):
        cost += _cost(each, variables)
        if count > MAX_FIELDS or cost > MAX_COST:
            message = (
                f"The query costs too much: it may have {MAX_FIELDS} fields and a cost of "
                f"{MAX_COST}, of which apiDocs takes 10, package 2, and packages 10 and one more "
                f"for each {_PACKAGES_FOR_ONE} packages."
            )
            raise GraphQLError(message)
        _require_one_meaning(each, answers)
        _require_parts_once(each, fragments)


def _cost(node: FieldNode, variables: Mapping[str, Any]) -> int:
    cost = _COSTS.get(node.name.value, 1)
    for argument in node.arguments or ():
        if argument.name.value == "limit":
            limit: object = None
            if isinstance(argument.value, IntValueNode):
                limit = int(argument.value.value[:9])
            elif isinstance(argument.value, VariableNode):
                limit = variables.get(argument.value.name.value)
            # A default of the variable counts as the largest page.
            limit = limit if isinstance(limit, int) else MAX_LIMIT
            cost += min(max(limit, 0), MAX_LIMIT) // _PACKAGES_FOR_ONE
    return cost


def _require_parts_once(root: FieldNode, fragments: Fragments) -> None:
    """Raise for a part of an answer that is wanted twice, by other names: answers would grow with
    the query."""
    names, pending, count = dict[tuple[str, str], str](), [root], 0
    while pending:
        parent = pending.pop()
        for each in _fields(parent.selection_set, fragments, ()):
            key = (parent.name.value, each.name.value)
            name = each.alias.value if each.alias else each.name.value
            count += 1
            if count > MAX_PARTS or names.setdefault(key, name) != name:
                message = f"The query wants {each.name.value} more than once. Ask for it once."
                raise GraphQLError(message)
            pending.append(each)


def _require_one_meaning(node: FieldNode, answers: dict[str, str]) -> None:
    """Raise for two different fields with one name in the answer, which are not merged."""
    key = node.alias.value if node.alias else node.name.value
    meaning = print_ast(node)
    if answers.setdefault(key, meaning) != meaning:
        message = f"The query has two fields named {key}: give each an alias."
        raise GraphQLError(message)


def _fields(
    selections: SelectionSetNode | None, fragments: Fragments, within: tuple[str, ...]
) -> Iterator[FieldNode]:
    """Yield the fields of a selection, with those of its fragments."""
    for each in selections.selections if selections else ():
        if isinstance(each, FieldNode):
            yield each
        elif isinstance(each, FragmentSpreadNode):
            name = each.name.value
            if name in fragments and name not in within:
                yield from _fields(fragments[name].selection_set, fragments, (*within, name))
        elif isinstance(each, InlineFragmentNode):
            yield from _fields(each.selection_set, fragments, within)
