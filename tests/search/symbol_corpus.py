"""The symbols of real packages, and questions about them.

`tests/recorded/central-apis.json.gz` has the sources of 31 packages, whose symbols have signatures
and descriptions; `questions_declarations.json` asks for them.

`symbols.txt` has the names of 46 packages, without signatures and doc comments; their packages are
those of `corpus.py`. `questions_symbols.json` has questions in the form of `questions.json`, whose
accepted results are symbols as `kafka:Consumer.seek`.
"""

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from shared.domain.api_docs.generator import DocsGenerator
from shared.domain.api_docs.release import read_sources, source_names, symbols_of
from shared.domain.api_docs.symbols import Symbol, pack_symbols
from shared.domain.archives.manifest import BALA_TOML
from shared.domain.coordinates import Coordinate
from shared.domain.dependency_graphs import Graph
from shared.domain.listings import Listing
from shared.domain.packages import Texts
from shared.domain.search import ANYONE, ResultPage, SymbolQuery
from shared.ports.search import SearchIndex
from tests.paths import central_apis
from tests.search.corpus import Corpus
from tests.search.judging import FIRST_PAGE

SYMBOLS = Path(__file__).with_name("symbols.txt")

_LINE = re.compile(r"(\S+/\S+) (\S+) (\S+)(?: of (\S+))?: (.+)")


def symbols() -> dict[str, list[Symbol]]:
    """Return the symbols of each package, `org/name`."""
    found = defaultdict[str, list[Symbol]](list)
    for line in SYMBOLS.read_text("utf-8").splitlines():
        if match := _LINE.fullmatch(line):
            package, module, kind, parent, names = match.groups("")
            found[package] += _symbols(module, kind.replace("-", " "), parent, names)
    return found


def _symbols(module: str, kind: str, parent: str, names: str) -> Iterator[Symbol]:
    for name in names.split("; "):
        yield Symbol(kind=kind, module=module, parent=parent, name=name)


@cache
def declared_symbols() -> dict[str, list[Symbol]]:
    """Return the symbols of each package whose sources are recorded, `org/name`."""
    return {package: list(_declared_in(package)) for package in central_apis()}


def _declared_in(package: str) -> Iterator[Symbol]:
    org, _, name = package.partition("/")
    api = central_apis()[package]
    files = api["files"]
    sources = source_names([*files, BALA_TOML], name)
    contents = {each: files[each.entry].encode() for each in sources}
    modules, _ = read_sources(name, api["modules"], Texts(), contents)
    generator = DocsGenerator(Coordinate.parse(org, name, api["version"]), modules, Graph())
    for module in generator.exported:
        yield from symbols_of(generator.module(module)[0])


async def declaring(corpus: Corpus) -> AsyncIterator[Listing]:
    """Yield every release of the corpus, with the symbols of those packages whose sources are
    recorded."""
    packed = {package: pack_symbols(each) for package, each in declared_symbols().items()}
    for listing in corpus.listings():
        yield replace(listing, symbols=packed.get(str(listing.head.package), ""))


async def documented(corpus: Corpus) -> AsyncIterator[Listing]:
    """Yield every release of the corpus, with the symbols of those packages that have some."""
    packed = {package: pack_symbols(each) for package, each in symbols().items()}
    for listing in corpus.listings():
        yield replace(listing, symbols=packed.get(str(listing.head.package), ""))


async def first_symbols(index: SearchIndex, text: str) -> list[str]:
    """Return the symbols that the page of symbols shows first."""
    found = await index.symbols(SymbolQuery.parse(text), ResultPage(limit=FIRST_PAGE), ANYONE)
    return [f"{hit.symbol.module}:{hit.symbol.title}" for hit in found.hits]
