"""Tools for agents that read API documentation: a list, a declaration, a whole library."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Literal

from msgspec import Meta, field

from functions.http.calls import Call
from functions.mcp.package_arguments import PageOfPackage, find_release
from functions.mcp.source_texts import (
    DeclarationRow,
    commented_source,
    declaration_row,
    short_markdown,
)
from functions.mcp.texts import (
    PAGE_BYTES,
    AgentAnswer,
    AuthorText,
    author_text,
    page_of_rows,
    page_of_text,
    sent_bytes,
    shortened,
    span,
)
from functions.mcp.tool_declaration import (
    NAMES_LISTED,
    ROWS_ON_A_PAGE,
    ModuleText,
    PackageText,
    tool,
)
from shared.domain.api_docs.symbol_texts import SymbolText
from shared.domain.api_docs.symbols import Symbol
from shared.domain.errors.base import NotFound, printable
from shared.domain.errors.packages import SymbolNotFound
from shared.domain.name_suggestions import similar_names
from shared.domain.packages import Release
from shared.domain.sentences import counted

TYPE_BYTES = 6_000  # Bytes of the types that a declaration uses, which are shown below it.
MOST_TYPES = 8  # Each is a read of the stored documentation.
# A page of a library may be this many bytes longer if the last declaration then fits.
LAST_ROW_BYTES = 1_200
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
async def list_api(call: Call, arguments: ListApi) -> DeclarationRows:
    """List the declarations of a package with their signatures: clients, services, classes,
    functions, types and constants. A bucket or a query lists their methods as well."""
    found = await find_release(call, arguments)
    module = arguments.module and _module(found.release, arguments.module)
    symbols = await call.registry.api_docs.documentation.symbols(found.release)
    owners = {(each.module, each.name): each.kind for each in symbols if not each.parent}
    words = arguments.query.casefold().split()
    package = found.head.package

    def bucket_of(symbol: Symbol) -> str:
        kind = owners.get((symbol.module, symbol.parent)) if symbol.parent else symbol.kind
        return _BUCKET_OF.get(kind or "", "")

    def is_wanted(symbol: Symbol) -> bool:
        text = f"{symbol.path} {symbol.signature} {symbol.description}".casefold()
        return (
            module in ("", symbol.module)
            and arguments.bucket in ("", bucket_of(symbol))
            and (not symbol.parent or bool(arguments.bucket or words))
            and all(word in text for word in words)
        )

    wanted = list(filter(is_wanted, symbols))
    rows = (declaration_row(found.release, each) for each in wanted[arguments.offset :])
    sizes = Counter(bucket_of(each) for each in symbols if module in ("", each.module))
    buckets = ", ".join(f"{each} {sizes[each]}" for each in BUCKETS if sizes[each])
    note = f"{counted(len(wanted), 'declaration')} found. Buckets: {buckets or 'none'}."
    page = page_of_rows(rows, arguments.offset, ROWS_ON_A_PAGE, len(wanted))
    return DeclarationRows([note], str(package), found.release.version, *page)


Place = tuple[str, str]  # The module and the path of a symbol.


class GetSymbol(PageOfPackage, frozen=True, kw_only=True):
    symbol: Annotated[str, Meta(max_length=1_000, description="Such as Client.get or parseCsv.")]
    module: ModuleText = ""


@tool("Read a declaration")
async def get_symbol(call: Call, arguments: GetSymbol) -> AuthorText:
    """Read a declaration or a method: its signature, comment, parameters, an example call, and
    the types that it uses."""
    found = await find_release(call, arguments)
    release = found.release
    prefix = arguments.symbol.partition(":")[0] if re.match(r"[\w.']+:.", arguments.symbol) else ""
    module = _module(release, arguments.module or prefix)
    symbols = await call.registry.api_docs.documentation.symbols(release)
    own = [each for each in symbols if each.module == module]
    path = _path(own, arguments.symbol.removeprefix(f"{prefix}:"))
    [text] = await _texts(call, release, [(module, path)])
    if text is None:
        known = [each.path for each in own]
        near = await asyncio.to_thread(similar_names, path, known)
        similar = [span(shortened(each)) for each in near]
        named = span(shortened(arguments.symbol))
        raise SymbolNotFound(span(release.coordinate), span(module), named, similar)
    types = (each for each in _types_of(text, release, symbols) if each != (module, path))
    used = list(islice(types, MOST_TYPES))
    shown, left = await _types_below(call, release, used)
    whole = "\n".join((_markdown(text, release, module), *shown))
    notes = (
        [f"It uses more types: {', '.join(span(shortened(e)) for e in left[:3])}."] if left else []
    )
    return author_text(release, page_of_text(whole, arguments.offset), *notes)


async def _types_below(
    call: Call, release: Release, places: Sequence[Place]
) -> tuple[list[str], list[str]]:
    """Return the Markdown of types as far as it fits below a declaration, and the names of those
    that do not fit."""
    fitting = list[str]()
    left = list[str]()
    size = 0
    texts = await _texts(call, release, places)
    for (module, name), text in zip(places, texts, strict=True):
        markdown = _markdown(text, release, module) if text else ""
        size += len(markdown.encode())
        if markdown and size <= TYPE_BYTES:
            fitting.append(markdown)
        else:
            left.append(name)
    return fitting, left


async def _texts(call: Call, release: Release, places: Iterable[Place]) -> list[SymbolText | None]:
    """Return the texts of symbols, None where there is none."""
    docs = call.registry.api_docs.documentation
    return await asyncio.gather(*(docs.symbol(release, *each) for each in places))


def _markdown(text: SymbolText, release: Release, module: str) -> str:
    return short_markdown(text, f"{release.org}/{module} {release.version}")


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
    """Return the path of the only symbol that has this path or name, in upper or lower case; else
    what was asked for, which may be the path of a field."""
    path = name.replace("->", ".")
    key = path.casefold()
    similar = [e.path for e in symbols if key in (e.path.casefold(), e.name.casefold())]
    return similar[0] if len(similar) == 1 and path not in similar else path


def _types_of(text: SymbolText, release: Release, symbols: Iterable[Symbol]) -> Iterator[Place]:
    """Yield the types of the release that the source of a declaration names, in order."""
    types = {(each.module, each.path) for each in symbols if each.kind in BUCKETS["types"]}
    for each in text.types:
        is_own = (each.org, each.version) == (release.org, release.version)
        if is_own and (each.module, each.name) in types:
            yield each.module, each.name


class GetLibrary(PageOfPackage, frozen=True):
    package: PackageText = field(name="name")
    project_dir: Annotated[str, Meta(max_length=1_000, description="Not read here.")] = ""
    module: ModuleText = ""


@tool("Read a whole library")
async def get_library(call: Call, arguments: GetLibrary) -> AuthorText:
    """Read everything that a library declares as Ballerina source without bodies, a page at a
    time. list_api and get_symbol answer in less."""
    found = await find_release(call, arguments)
    release = found.release
    module = _module(release, arguments.module)
    every = await call.registry.api_docs.documentation.symbols(release)
    symbols = [each for each in every if each.module == module and not each.parent]
    page = symbols[arguments.offset : arguments.offset + ROWS_ON_A_PAGE]
    texts = await _texts(call, release, [(module, each.path) for each in page])
    whole = ""
    end = arguments.offset
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


def _source(symbol: Symbol, text: SymbolText | None) -> str:
    """Return a declaration as source, with its comments, if it is not too long. One whose text is
    too large to store has the first sentence of its comment, and its signature."""
    heading = f"# {symbol.description}\n" if symbol.description else ""
    code = commented_source(text) if text else f"{heading}{symbol.signature}"
    part, more = page_of_text(code, 0, LONGEST_SOURCE)
    return f"{part}\n// … get_symbol {shortened(symbol.path)} shows the rest." if more else part
