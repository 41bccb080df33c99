"""How much of a package's API has a doc comment."""

from collections.abc import Iterable, Iterator

from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.outline import METHOD, DocsSymbol, declared


def undocumented(module: ModuleDocs) -> Iterator[str]:
    """Yield the declarations and methods without a comment: `Client`, `Client.get`."""
    return (name for name, is_documented in _commented(module) if not is_documented)


def count_documented(modules: Iterable[ModuleDocs]) -> tuple[int, int]:
    """Return how many declarations and methods have a comment, and how many there are."""
    found = [is_documented for module in modules for _, is_documented in _commented(module)]
    return sum(found), len(found)


def _commented(module: ModuleDocs) -> Iterator[tuple[str, bool]]:
    for _, declaration in declared(module):
        yield declaration.path, _has_comment(declaration)
        for member in declaration.members():
            if member.kind == METHOD:
                yield member.path, _has_comment(member)


def _has_comment(symbol: DocsSymbol) -> bool:
    return bool((symbol.docs.description or "").strip())
