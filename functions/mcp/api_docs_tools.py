"""Tools for agents that read API documentation: a list, a declaration, a whole library."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Literal

from msgspec import Meta, field

from functions.http.calls import Call
from functions.http.formatting import counted
from functions.mcp.declarations import (
    DeclarationRow,
    commented_source,
    declaration_row,
    source_of,
    without_fields,
)
from functions.mcp.package_arguments import PageOfPackage, find_release
from functions.mcp.texts import (
    PAGE_BYTES,
    AgentAnswer,
    AuthorText,
    author_text,
    page_of_rows,
    page_of_text,
    sent_bytes,
    short,
    span,
)
from functions.mcp.tools import NAMES_LISTED, ROWS_ON_A_PAGE, ModuleText, PackageText, tool
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.api_docs.symbols import Symbol
from shared.domain.errors.base import NotFound, printable
from shared.domain.errors.packages import SymbolNotFound
from shared.domain.packages import Release
from shared.domain.similar_names import similar_names

TYPE_BYTES = 6_000  # Of the types that a declaration uses, below it.
MOST_TYPES = 8  # Each is a read of the stored documentation.
LAST_ROW_BYTES = 1_200  # That a page of a library may be longer by.
LONGEST_SOURCE = 3_000  # Bytes of a declaration of a whole library.


Bucket = Literal["", "client", "service", "class", "functions", "types", "constants"]
# The kinds of declarations in each bucket. Members are in the bucket of their declaration.
BUCKETS: Mapping[Bucket, tuple[str, ...]] = {
    "client": ("client",),
    "service": ("service type", "listener"),
    "class": ("class",),
    "functions": ("function",),
    "types": ("record", "object type", "type", "enum", "error", "annotation"),
    "constants": ("constant", "variable", "configurable"),
}
_BUCKET_OF = {kind: bucket for bucket, kinds in BUCKETS.items() for kind in kinds}


class ListApi(PageOfPackage, frozen=True):
    bucket: Annotated[Bucket, Meta(description="Its declarations with their methods.")] = ""
    module: Annotated[str, Meta(max_length=210, description="Without it all modules.")] = ""
    query: Annotated[str, Meta(max_length=200, description="Words that each row must have.")] = ""


class DeclarationRows(AgentAnswer, frozen=True):
    package: str
    version: str
    declarations: list[DeclarationRow]
    next_offset: int | None


@tool("List what a package declares")
async def list_api(call: Call, asked: ListApi) -> DeclarationRows:
    """List the declarations of a package with their signatures: clients, services, classes,
    functions, types and constants. A bucket or a query lists their methods as well."""
    found = await find_release(call, asked)
    module = asked.module and _module(found.release, asked.module)
    symbols = await call.registry.api_docs.documentation.symbols(found.release)
    owners = {(each.module, each.name): each.kind for each in symbols if not each.parent}
    words = asked.query.casefold().split()
    package = found.head.package

    def bucket_of(symbol: Symbol) -> str:
        kind = owners.get((symbol.module, symbol.parent)) if symbol.parent else symbol.kind
        return _BUCKET_OF.get(kind or "", "")

    def is_wanted(symbol: Symbol) -> bool:
        text = f"{symbol.path} {symbol.signature} {symbol.description}".casefold()
        return (
            module in ("", symbol.module)
            and asked.bucket in ("", bucket_of(symbol))
            and (not symbol.parent or bool(asked.bucket or words))
            and all(word in text for word in words)
        )

    wanted = list(filter(is_wanted, symbols))
    rows = (declaration_row(found.release, each) for each in wanted[asked.offset :])
    sizes = Counter(bucket_of(each) for each in symbols if module in ("", each.module))
    buckets = ", ".join(f"{each} {sizes[each]}" for each in BUCKETS if sizes[each])
    told = f"{counted(len(wanted), 'declaration')} found. Buckets: {buckets or 'none'}."
    page = page_of_rows(rows, asked.offset, ROWS_ON_A_PAGE, len(wanted))
    return DeclarationRows([told], str(package), found.release.version, *page)


class GetSymbol(PageOfPackage, frozen=True, kw_only=True):
    symbol: Annotated[str, Meta(max_length=1_000, description="Such as Client.get or parseCsv.")]
    module: ModuleText = ""


@tool("Read a declaration")
async def get_symbol(call: Call, asked: GetSymbol) -> AuthorText:
    """Read a declaration or a method: its signature, comment, parameters, an example call, and
    the types that it uses."""
    found = await find_release(call, asked)
    release = found.release
    prefix = asked.symbol.partition(":")[0] if re.match(r"[\w.']+:.", asked.symbol) else ""
    module = _module(release, asked.module or prefix)
    symbols = await call.registry.api_docs.documentation.symbols(release)
    own = [each for each in symbols if each.module == module]
    path = _path(own, asked.symbol.removeprefix(f"{prefix}:"))
    [text] = await _texts(call, release, module, [path])
    if not text:
        known = [each.path for each in own]
        near = await asyncio.to_thread(similar_names, path, known)
        similar = [span(short(each)) for each in near]
        named = span(short(asked.symbol))
        raise SymbolNotFound(span(release.coordinate), span(module), named, similar)
    used = list(islice(_types_in(text, path, own), MOST_TYPES))
    texts = await _texts(call, release, module, used)
    parts = [without_fields(text)]
    left = list[str]()
    size = 0
    for name, each in zip(used, map(without_fields, texts), strict=True):
        size += len(each.encode())
        if each and size <= TYPE_BYTES:
            parts.append(each)
        else:
            left.append(name)
    notes = [f"It uses more types: {', '.join(span(short(e)) for e in left[:3])}."] if left else []
    return author_text(found.release, page_of_text("\n".join(parts), asked.offset), *notes)


async def _texts(call: Call, release: Release, module: str, paths: Iterable[str]) -> list[str]:
    """Return the documentation of symbols, empty where there is none."""
    docs = call.registry.api_docs.documentation
    read = (docs.text(release, PieceKind.SYMBOL_MARKDOWN, module, each) for each in paths)
    return [text or "" for text in await asyncio.gather(*read)]


def _module(release: Release, name: str) -> str:
    """Return the module with this name or this last part of it, for an empty name the default."""
    wanted = name or release.name
    for each in release.modules:
        if wanted.lower() in (each.lower(), each.lower().rpartition(".")[2]):
            return each
    known = ", ".join(map(span, release.modules[:NAMES_LISTED])) or "none"
    sentence = f"{span(release.coordinate)} exports no module {printable(wanted)}. It has {known}."
    raise NotFound("module-not-exported", sentence)


def _path(symbols: Sequence[Symbol], name: str) -> str:
    """Return the path of the symbol with this path or, in any case, name; else the path that may
    be that of a field."""
    path = name.replace("->", ".")
    key = path.casefold()
    similar = [e.path for e in symbols if key in (e.path.casefold(), e.name.casefold())]
    return similar[0] if len(similar) == 1 and path not in similar else path


_TYPE_NAME = re.compile(r"(?<![\w:'])'?[A-Z]\w*")


def _types_in(text: str, path: str, symbols: Sequence[Symbol]) -> Iterator[str]:
    """Yield the types of the module that the source of a declaration names, in order."""
    types = {each.path for each in symbols if each.kind in BUCKETS["types"]} - {path}
    return (each for each in dict.fromkeys(_TYPE_NAME.findall(source_of(text))) if each in types)


class GetLibrary(PageOfPackage, frozen=True):
    package: PackageText = field(name="name")
    project_dir: Annotated[str, Meta(max_length=1_000, description="Not read here.")] = ""
    module: ModuleText = ""


@tool("Read a whole library")
async def get_library(call: Call, asked: GetLibrary) -> AuthorText:
    """Read everything that a library declares as Ballerina source without bodies, a page at a
    time. list_api and get_symbol answer in less."""
    found = await find_release(call, asked)
    release = found.release
    module = _module(release, asked.module)
    every = await call.registry.api_docs.documentation.symbols(release)
    symbols = [each for each in every if each.module == module and not each.parent]
    page = symbols[asked.offset : asked.offset + ROWS_ON_A_PAGE]
    texts = await _texts(call, release, module, [each.path for each in page])
    whole = ""
    end = asked.offset
    for symbol, text in zip(page, texts, strict=True):
        longer = f"{whole}\n\n{_source(symbol, text)}".lstrip("\n")
        # One more row at the end is less than a second page.
        limit = PAGE_BYTES + (LAST_ROW_BYTES if end + 1 == len(symbols) else 0)
        if whole and sent_bytes(longer) > limit:
            break
        whole = longer
        end += 1
    others = [span(each) for each in release.modules if each != module][:NAMES_LISTED]
    notes = [f"{counted(len(symbols), 'declaration')} of the module {span(module)}."]
    notes += [f"Other modules: {', '.join(others)}."] if others else []
    more = end if end < len(symbols) and page else None
    return author_text(found.release, (whole, more), *notes, language="ballerina")


def _source(symbol: Symbol, markdown: str) -> str:
    """Return a declaration as source, with its comments, if it is not too long."""
    code = commented_source(markdown) or symbol.signature
    said = f"# {symbol.description}\n" if symbol.description and code[:1] != "#" else ""
    part, more = page_of_text(f"{said}{code}", 0, LONGEST_SOURCE)
    return f"{part}\n// … get_symbol {short(symbol.path)} shows the rest." if more else part
