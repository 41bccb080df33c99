"""Docstrings say what their signatures do not, and describe things by nouns."""

import ast
import re
from collections.abc import Iterator

from tests.repo.product_source import Definition, Function, Module, product

PORTS = "shared/ports.py"  # Its docstrings are the contracts of the adapters, however short.
# Words that say nothing beside those of a signature.
FILLERS = {
    *("a", "an", "the", "this", "that", "these", "there", "it", "its", "their", "them", "none"),
    *("as", "at", "by", "for", "from", "given", "in", "of", "on", "to", "with", "what", "which"),
    *("and", "or", "if", "who", "all", "each", "one", "be", "is", "are", "has", "have"),
    *("return", "returns"),
}
ENDS = ("ies", "ing", "ed", "es", "s", "e")
SHORTEST_STEM = 3


def stems(text: str) -> set[str]:
    """Split a text or the names in it into words, without their ends."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return {stem(word) for word in re.findall(r"[a-z]+", apart.lower()) if word not in FILLERS}


def stem(word: str) -> str:
    for end in ENDS:
        if word.endswith(end) and len(word) - len(end) >= SHORTEST_STEM:
            return word.removesuffix(end).removesuffix("y")
    return word.removesuffix("y")


def signature(function: Function, place: str) -> str:
    """Name everything that a reader of the signature sees, and its module and class."""
    returned = ast.unparse(function.returns) if function.returns else ""
    return " ".join([place, function.name, ast.unparse(function.args), returned])


def methods(module: Module) -> Iterator[tuple[Function, str]]:
    """Find every function, with the names of its module and class."""
    classes = module.find(ast.ClassDef)
    of = {id(function): each.name for each in classes for function in each.body}
    for function in module.functions():
        yield function, f"{module.path.rpartition('/')[2]} {of.get(id(function), '')}"


def described(module: Module) -> Iterator[tuple[Definition, str]]:
    for node in module.find(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
        if text := ast.get_docstring(node):
            yield node, text


def is_property(function: Function) -> bool:
    return any(ast.unparse(each).endswith("property") for each in function.decorator_list)


def test_a_docstring_says_more_than_the_signature() -> None:
    repeating = [
        f"{module.path}:{function.lineno} {function.name}: {text}"
        for module in product()
        for function, place in methods(module)
        if module.path != PORTS and (text := ast.get_docstring(function) or "").startswith("Return")
        if stems(text) <= stems(signature(function, place))
    ]
    assert not repeating, repeating


def test_a_property_is_described_by_a_noun() -> None:
    verbs = [
        f"{module.path}:{node.lineno} {node.name}: {text}"
        for module in product()
        for node, text in described(module)
        if isinstance(node, Function) and is_property(node)
        if text.startswith(("Return ", "Check ", "Say "))
    ]
    assert not verbs, verbs


def test_no_docstring_begins_with_what() -> None:
    vague = [
        f"{module.path}:{node.lineno} {node.name}: {text}"
        for module in product()
        for node, text in described(module)
        if text.startswith(("What ", "Return what "))
    ]
    assert not vague, vague
