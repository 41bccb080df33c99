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

from shared.domain.search import DEFAULT_LIMIT, MAX_LIMIT

MAX_QUERY_CHARACTERS = 64 * 1024
MAX_DEPTH = 12  # Of brackets; the deepest query of a client has six.
MAX_TOKENS = 5_000  # An editor asks for the 86 versions of a package, with 2,700.
MAX_PARTS = 200  # Fields below one of those; a module has fifty.
MAX_SELECTIONS = 5_000  # Of a document, after its fragments are put in wherever they are used.
MAX_COST = (
    525  # Ten modules, every version of http as an editor asks for it, or a list of a thousand.
)

_LEAST_COST = 4  # Of a field of a query.
_PARTS_FOR_ONE = 12  # Parts of a package that cost one.
# All dependents are a list of hundreds of packages: one of them in a query.
_COSTS = {"apiDocs": 50, "packages": 50, "dependentPackages": 300}
_PACKAGES_FOR_ONE = 4  # Listed packages that cost one.
_PART_COSTS = {"dependentPackages": 1, "dailyPullCount": 1}  # Of each package; one more question.
_PART_COST_IN_LISTS = 10  # Times that, where the packages are different ones.

# A string or comment ends where the parser ends it; one without an end takes what is left, so that
# none is read twice.
_BRACKETS = re.compile(r'"""(?s:\\"""|.)*?(?:"""|\Z)|"(?:[^"\\\r\n]|\\.)*+"?|#[^\r\n]*+|[{}\[\]()]')
_STEPS = {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A query as the client sent it."""

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
    limits = _Limits(
        {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        },
        request.variables,
    )
    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode):
            limits.require_cheap(each.selection_set)
    return document


def _require_shallow(query: str) -> None:
    """Raise for nested brackets, which the parser would read by recursion."""
    depth = 0
    for found in _BRACKETS.finditer(query):
        depth += _STEPS.get(found[0], 0)
        if depth > MAX_DEPTH:
            message = f"The query is nested more than {MAX_DEPTH} levels deep."
            raise GraphQLError(message)


@dataclass(slots=True)
class _Limits:
    """The limits of all operations of a document together."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    selections: int = 0  # Those that were visited.
    printed: dict[int, str] = field(default_factory=dict[int, str])

    def require_cheap(self, selections: SelectionSetNode) -> None:
        cost, answers = 0, dict[str, FieldNode]()
        for each in self._fields(selections, ()):
            packages = _listed_packages(each, self.variables)
            cost += _COSTS.get(each.name.value, _LEAST_COST) + packages // _PACKAGES_FOR_ONE
            if cost > MAX_COST:
                raise _too_expensive()
            self._require_one_meaning(each, answers)
            parts, further = self._parts(each)
            cost += further * (packages * _PART_COST_IN_LISTS or 1)
            cost += parts // _PARTS_FOR_ONE * (packages // _PACKAGES_FOR_ONE or 1)
        if cost > MAX_COST:
            raise _too_expensive()

    def _parts(self, root: FieldNode) -> tuple[int, int]:
        """Return how many parts are wanted of one package, and what those cost that take a further
        question; raise for a part of an answer that is wanted twice, by other names: answers would
        grow with the query."""
        names, pending, count = dict[tuple[str, str], str](), [root], 0
        while pending:
            parent = pending.pop()
            for each in self._fields(parent.selection_set, ()):
                key = (parent.name.value, each.name.value)
                name = each.alias.value if each.alias else each.name.value
                count += 1
                if count > MAX_PARTS or names.setdefault(key, name) != name:
                    message = f"The query wants {each.name.value} more than once. Ask for it once."
                    raise GraphQLError(message)
                pending.append(each)
        return count, sum(_PART_COSTS.get(part, 0) for _, part in names)

    def _require_one_meaning(self, node: FieldNode, answers: dict[str, FieldNode]) -> None:
        """Raise for two different fields with one name in the answer, which are not merged."""
        key = node.alias.value if node.alias else node.name.value
        first = answers.setdefault(key, node)
        if first is not node and self._meaning(first) != self._meaning(node):
            message = f"The query has two fields named {key}: give each an alias."
            raise GraphQLError(message)

    def _meaning(self, node: FieldNode) -> str:
        """Return the text of a field; that of a fragment is visited wherever it is used."""
        if id(node) not in self.printed:
            self.printed[id(node)] = print_ast(node)
        return self.printed[id(node)]

    def _fields(
        self, selections: SelectionSetNode | None, within: tuple[str, ...]
    ) -> Iterator[FieldNode]:
        """Yield the fields of a selection, with those of its fragments."""
        for each in selections.selections if selections else ():
            self.selections += 1
            if self.selections > MAX_SELECTIONS:  # Fragments without a field count as well.
                raise _too_expensive()
            if isinstance(each, FieldNode):
                yield each
            elif isinstance(each, FragmentSpreadNode):
                name = each.name.value
                if name in self.fragments and name not in within:
                    yield from self._fields(self.fragments[name].selection_set, (*within, name))
            elif isinstance(each, InlineFragmentNode):
                yield from self._fields(each.selection_set, within)


def _too_expensive() -> GraphQLError:
    return GraphQLError(
        f"The query costs too much: it may have a cost of {MAX_COST}, of which apiDocs takes "
        f"{_COSTS['apiDocs']}, package {_LEAST_COST}, and packages {_COSTS['packages']} and one "
        f"more for each {_PACKAGES_FOR_ONE} packages; each {_PARTS_FOR_ONE} fields of a package "
        f"take 1 more, or in lists as much as the packages; dependentPackages and dailyPullCount "
        f"take 1 more of each package, and {_PART_COST_IN_LISTS} in lists; dependentPackages of a "
        f"version takes {_COSTS['dependentPackages']}. With its fragments, its "
        f"document may have {MAX_SELECTIONS:,} selections."
    )


def _listed_packages(node: FieldNode, variables: Mapping[str, Any]) -> int:
    """Return how many packages a list may have; 0 for no list."""
    if node.name.value != "packages":
        return 0
    for argument in node.arguments or ():
        if argument.name.value == "limit":
            limit: object = None
            if isinstance(argument.value, IntValueNode):
                limit = int(argument.value.value[:9])
            elif isinstance(argument.value, VariableNode):
                limit = variables.get(argument.value.name.value)
            # A default of the variable counts as the largest page.
            return min(max(limit if isinstance(limit, int) else MAX_LIMIT, 0), MAX_LIMIT)
    return DEFAULT_LIMIT
