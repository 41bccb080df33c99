"""Every kind of event that the code writes has a phrase in the one table of them."""

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import chain

from functions.html.event_sentences import EVENT_TEXTS
from shared.domain.release_states import State
from shared.domain.visibility import Visibility
from tests.repo.product_source import Function, Module, product

WRITERS = ("shared/auth/", "shared/domain/", "shared/services/")
KIND = re.compile(r"([a-z]+(?:-[a-z]+)*)\.[a-z]+(?:-[a-z]+)*")
START_OF_KIND = re.compile(r"[a-z]+(?:-[a-z]+)*\.")
# Where the kind is in the call of what makes an event.
MAKERS = {"EntityChange": 0, "with_change": 1, "with_decision": 1}
# Texts of this form that are no kinds of events.
OTHERS = {
    "name.retired",  # An entry of the list of revocations.
    "package.json",
    "release.yml",
    # Kinds of leaves of the transparency log, each for several kinds of events.
    "package.restored",
    "package.withdrawn",
    "release.restored",
    "release.withdrawn",
}
EARLIER = {"invitation.renewed"}  # Earlier versions wrote them.
VALUES = {  # Kinds that end with a value.
    "release.": [each.value for each in State],
    "package.": [each.value for each in Visibility],
}

Call = tuple[Module, ast.Call]


def writers() -> list[Module]:
    return [each for each in product() if each.path.startswith(WRITERS)]


def name_of(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def calls_of(name: str) -> Iterator[Call]:
    for module in writers():
        for call in module.find(ast.Call):
            if name_of(call.func) == name:
                yield module, call


def texts(expression: ast.expr) -> list[str]:
    """Return the texts in an expression, such as both of a condition."""
    return [
        node.value
        for node in ast.walk(expression)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def function_around(module: Module, node: ast.AST) -> Function:
    """Return the innermost function that contains the node."""
    around = [each for each in module.functions() if node in set(ast.walk(each))]
    return max(around, key=lambda each: each.lineno)


def given(name: str, module: Module, node: ast.AST, seen: Sequence[str] = ()) -> set[str]:
    """Return the texts that callers give to the parameter of the function around a node."""
    function = function_around(module, node)
    parameters = [each.arg for each in function.args.args if each.arg != "self"]
    if function.name in seen or name not in parameters:
        return set()
    found = set[str]()
    at = parameters.index(name)
    for caller, call in calls_of(function.name):
        if caller is not module and function.name.startswith("_"):
            continue  # Another function of this name.
        by_name = next((each.value for each in call.keywords if each.arg == name), None)
        value = by_name or (call.args[at] if len(call.args) > at else None)
        if isinstance(value, ast.Name):
            found |= given(value.id, caller, call, (*seen, function.name))
        elif value is not None:
            found |= set(texts(value))
    return found


def whole_kinds() -> Iterator[str]:
    """Yield the texts that are kinds, wherever they are: their topics are those of the table, and
    of all calls that make an event."""
    made = chain.from_iterable(
        texts(call.args[at])
        for name, at in MAKERS.items()
        for _, call in calls_of(name)
        if len(call.args) > at
    )
    topics = {each.partition(".")[0] for each in (*EVENT_TEXTS, *made)}
    for module in writers():
        for node in module.find(ast.Constant):
            is_kind = isinstance(node.value, str) and KIND.fullmatch(node.value)
            if is_kind and is_kind[1] in topics and node.value not in OTHERS:
                yield str(node.value)


def composed_kinds() -> Iterator[str]:
    """Yield the kinds that the code puts together, such as `token.` and what happened to it."""
    for module in writers():
        for node in module.find(ast.JoinedStr):
            match node.values:
                case [ast.Constant(value=str(topic)), ast.FormattedValue(value=ending)] if (
                    START_OF_KIND.fullmatch(topic) and topic != "lang."
                ):
                    if isinstance(ending, ast.Name):
                        endings = given(ending.id, module, node)
                    else:
                        endings = VALUES[topic]
                    assert endings, f"{module.path}:{node.lineno} makes kinds that nobody knows"
                    yield from (f"{topic}{each}" for each in endings)
                case _:
                    pass


def test_every_kind_of_event_has_a_phrase() -> None:
    assert sorted({*whole_kinds(), *composed_kinds()} - EVENT_TEXTS.keys()) == []


def test_every_phrase_is_of_a_kind_that_is_written() -> None:
    written = {*whole_kinds(), *composed_kinds(), *EARLIER}
    assert sorted(EVENT_TEXTS.keys() - written) == []
