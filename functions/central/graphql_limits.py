"""Limits of GraphQL queries: of their text before they are validated, and of what they cost."""

import re
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

MAX_QUERY_CHARACTERS = 64 * 1024
MAX_DEPTH = 12  # Of brackets; the deepest query of a client has six.
MAX_TOKENS = 3_000  # An editor asks for the 86 versions of a package, with 2,700.
MAX_DEFINITIONS = 20  # Operations and fragments; clients have one or two.
MAX_COST = (
    525  # Ten modules, every version of http as an editor asks for it, or a list of a thousand.
)
MAX_ANSWER_BYTES = 2 << 20  # Of the documentation in an answer; `/2.0/docs` sends all of it.

_FURTHER_QUESTIONS = {"dependentPackages", "dailyPullCount"}  # Parts that are read by themselves.
_PARTS_OF_MODULES = 4  # There are several of a package.

# A string or comment ends where the parser ends it; one without an end takes what is left, so that
# none is read twice.
_BRACKETS = re.compile(r'"""(?s:\\"""|.)*?(?:"""|\Z)|"(?:[^"\\\r\n]|\\.)*+"?|#[^\r\n]*+|[{}\[\]()]')
_STEPS = {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}


def parse_within_limits(query: str) -> DocumentNode:
    """Return the parsed query, or raise `GraphQLError` if it is invalid or too large."""
    if len(query) > MAX_QUERY_CHARACTERS:
        message = f"The query has more than {MAX_QUERY_CHARACTERS:,} characters."
        raise GraphQLError(message)
    depth = 0  # The parser reads brackets by recursion.
    for found in _BRACKETS.finditer(query):
        depth += _STEPS.get(found[0], 0)
        if depth > MAX_DEPTH:
            message = f"The query is nested more than {MAX_DEPTH} levels deep."
            raise GraphQLError(message)
    document = parse(query, no_location=True, max_tokens=MAX_TOKENS)
    if len(document.definitions) > MAX_DEFINITIONS:
        message = f"The query has more than {MAX_DEFINITIONS} operations and fragments."
        raise GraphQLError(message)
    return document


@dataclass(slots=True)
class Allowance:
    """What the answer to a document may still cost, and the bytes of documentation it may have.

    A field counts wherever it stands in the document, so no fragment hides it.
    """

    parts: int = 0  # The different fields, as often as the aliases below the top multiply them.
    questions: int = 0  # Those of them that are read by themselves, of each package.
    aliases: int = 0  # Below the top.
    cost: int = MAX_COST
    bytes: int = MAX_ANSWER_BYTES

    @classmethod
    def of(cls, document: DocumentNode) -> "Allowance":
        """Raise `GraphQLError` if two different fields have one name in the answer."""
        fields, aliases = set[str](), 0
        for each in document.definitions:
            if isinstance(each, OperationDefinitionNode | FragmentDefinitionNode):
                aliases += _survey(each.selection_set, fields)
            if isinstance(each, OperationDefinitionNode):
                top = (one for one in each.selection_set.selections if isinstance(one, FieldNode))
                aliases -= sum(field.alias is not None for field in top)
        parts = len(fields) + (_PARTS_OF_MODULES if "modules" in fields else 0)
        questions = len(fields & _FURTHER_QUESTIONS)
        return cls(parts * (1 + aliases), questions * (1 + aliases), aliases)

    def spend_module(self) -> None:
        self._spend(50 * (1 + self.aliases // 10))

    def spend_package(self) -> None:
        self._spend(4 + self.parts // 12 + self.questions)

    def spend_list(self, packages: int) -> None:
        self._spend(50 + packages // 4 * (1 + self.parts // 12 + 40 * self.questions))

    def spend_dependents(self) -> None:
        """All dependents are a list of hundreds of packages: one of them in a query."""
        self._spend(300)

    def _spend(self, cost: int) -> None:
        """Raise `GraphQLError` once the document has cost too much."""
        self.cost -= cost
        if self.cost < 0:
            raise too_expensive()

    def spend_bytes(self, size: int) -> None:
        """Reserve room for a piece; raise `GraphQLError` if it is one too many."""
        self.bytes -= size
        if self.bytes < 0:
            message = (
                f"The answer has more than {MAX_ANSWER_BYTES >> 20} MB of documentation. Ask for "
                "fewer modules or lists, or read the whole document at /2.0/docs."
            )
            raise GraphQLError(message)


def _survey(selections: SelectionSetNode, fields: set[str]) -> int:
    """Add the names of all fields, and return how many have an alias."""
    aliases, answers = 0, dict[str, FieldNode]()
    for each in selections.selections:
        if isinstance(each, FieldNode):
            key = (each.alias or each.name).value
            first = answers.setdefault(key, each)
            # The library compares them in quadratic time.
            if first.name != each.name or first.arguments != each.arguments:
                message = f"The query has two fields named {key}: give each an alias."
                raise GraphQLError(message)
            fields.add(each.name.value)
            aliases += each.alias is not None
        if isinstance(each, FieldNode | InlineFragmentNode) and each.selection_set:
            aliases += _survey(each.selection_set, fields)
    return aliases


def too_expensive() -> GraphQLError:
    return GraphQLError(
        f"The query costs too much: it may have a cost of {MAX_COST}, of which apiDocs takes 50, "
        "package 4, packages 50, and all dependentPackages of a version 300. Each 12 different "
        "fields of the query take 1 more of a package. A list takes as much for each 4 packages "
        "of its limit, and 1 more. dependentPackages and dailyPullCount of a package take 1 more, "
        "and 10 more of each package of a list. Aliases below the top multiply this."
    )
