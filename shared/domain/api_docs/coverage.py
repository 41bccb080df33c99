"""How much of a package's API has a doc comment."""

from collections.abc import Iterable, Iterator

from shared.domain.api_docs.model import (
    ClassDocs,
    Documented,
    FunctionDocs,
    ModuleDocs,
    ObjectTypeDocs,
    declarations_of,
)


def undocumented(module: ModuleDocs) -> Iterator[str]:
    """Yield the declarations and methods without a comment: `Client`, `Client.get`."""
    return (name for name, is_documented in _commented(module) if not is_documented)


def count_documented(modules: Iterable[ModuleDocs]) -> tuple[int, int]:
    """Return how many declarations and methods have a comment, and how many there are."""
    found = [is_documented for module in modules for _, is_documented in _commented(module)]
    return sum(found), len(found)


def method_name(method: FunctionDocs) -> str:
    """Return the name of a method; that of a resource method is its accessor and path."""
    return f"{method.accessor} {method.resource_path}" if method.is_resource else method.name


def _commented(module: ModuleDocs) -> Iterator[tuple[str, bool]]:
    for _, declaration in declarations_of(module):
        yield declaration.name, _has_comment(declaration)
        if isinstance(declaration, ClassDocs | ObjectTypeDocs):
            for method in declaration.methods:
                yield f"{declaration.name}.{method_name(method)}", _has_comment(method)


def _has_comment(declaration: Documented) -> bool:
    return bool((declaration.description or "").strip())
