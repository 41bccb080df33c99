"""Tools for agents that search packages, and what they declare."""

from typing import Annotated

from msgspec import Meta, Struct

from functions.http.calls import Call
from functions.mcp.source_texts import DeclarationRow, declaration_row
from functions.mcp.texts import AgentAnswer, page_of_rows, shortened, span
from functions.mcp.tool_declaration import Arguments, Offset, tool
from shared.domain.search import Query, ResultPage, SymbolQuery
from shared.domain.sentences import counted

FOUND_ON_A_PAGE = 20


class Search(Arguments, frozen=True):
    query: Annotated[str, Meta(max_length=500, description="Words, or `org:acme`.")]
    offset: Offset = 0


class PackageRow(Struct, frozen=True, rename="camel"):
    package: str
    version: str
    visibility: str
    author_summary: str
    is_deprecated: bool
    is_affected: Annotated[bool, Meta(description="By an advisory, which get_package names.")]
    next: str


class FoundPackages(AgentAnswer, frozen=True):
    packages: list[PackageRow]
    next_offset: int | None


@tool("Search packages")
async def search_packages(call: Call, arguments: Search) -> FoundPackages:
    """Find packages by words of their names, keywords, summaries and readmes, best first."""
    page = ResultPage(arguments.offset, FOUND_ON_A_PAGE)
    query = Query.parse(arguments.query)
    found = await call.registry.packages.search.search(query, page, by=call.caller)
    listings = [hit.listing for hit in found.hits]
    releases = [each.release.coordinate for each in listings]
    affected = await call.registry.advisories.affected_versions.of_releases(releases)
    rows = (
        PackageRow(
            str(listing.head.package),
            listing.release.version,
            listing.head.visibility.value,
            shortened(listing.release.summary),
            listing.deprecation is not None,
            bool(advisories),
            f"get_package package={listing.head.package}",
        )
        for listing, advisories in zip(listings, affected.advisories, strict=True)
    )
    notes = [f"{counted(found.count, 'package')} found.", *filter(None, [query.problem])]
    return FoundPackages(notes, *page_of_rows(rows, arguments.offset, page.limit, found.count))


class FoundSymbols(AgentAnswer, frozen=True):
    symbols: list[DeclarationRow]
    next_offset: int | None


@tool("Search declarations")
async def search_symbols(call: Call, arguments: Search) -> FoundSymbols:
    """Find clients, functions, methods, types and constants in the latest versions of packages by
    words of their names and comments, such as `send mail` or `http:Client.get`, best first."""
    page = ResultPage(arguments.offset, FOUND_ON_A_PAGE)
    query = SymbolQuery.parse(arguments.query)
    found = await call.registry.packages.search.symbols(query, page, by=call.caller)
    rows = (
        declaration_row(each.listing.release, each.symbol, str(each.listing.head.package))
        for each in found.hits
    )
    notes = [f"{counted(found.count, 'declaration')} found."]
    notes += [f"{span(typed)} was read as {span(meant)}." for typed, meant in found.corrections]
    notes += [f"Nothing has {span(each)}, which was left out." for each in found.unknown]
    return FoundSymbols(notes, *page_of_rows(rows, arguments.offset, page.limit, found.count))
