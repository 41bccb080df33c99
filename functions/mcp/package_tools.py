"""Tools for agents that show a package, and its readme."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from functions.html.formatting import machine_moment
from functions.http.addresses import release_path
from functions.http.calls import Call
from functions.mcp.advisory_texts import (
    AdvisoryRow,
    advisories_of,
    advisory_rows,
    affected_notes,
)
from functions.mcp.package_arguments import OfPackage, PageOfPackage, describe_release
from functions.mcp.texts import (
    LIST_BYTES,
    AgentAnswer,
    AuthorText,
    author_text,
    page_of_rows,
    page_of_text,
    shortened,
    span,
)
from functions.mcp.tool_declaration import ROWS_ON_A_PAGE, tool
from shared.domain.source_names import import_line


class PackageSummary(AgentAnswer, frozen=True, kw_only=True):
    package: str
    version: str
    visibility: str
    published: str
    url: str
    is_deprecated: bool
    author_deprecation: str
    successor: Annotated[str, Meta(description="The package that replaces it, if there is one.")]
    author_summary: str
    author_licenses: list[str]
    author_keywords: list[str]
    imports: list[str]
    dependencies: list[str]
    advisories: Annotated[list[AdvisoryRow], Meta(description="They affect this version.")]
    versions: Annotated[list[str], Meta(description="The newest live ones.")]
    version_count: int


@tool("Show a package")
async def get_package(call: Call, arguments: OfPackage) -> PackageSummary:
    """Show what a package is: its versions, deprecation, modules to import, dependencies,
    keywords and licenses."""
    found = await describe_release(call, arguments)
    survey = await call.package_source.survey(found.head.package, by=call.caller)
    successor = await call.registry.packages.successors.named(survey.head, by=call.caller)
    release = found.release
    package = found.head.package
    lists: dict[str, Sequence[str]] = {
        "author_licenses": list(map(shortened, release.licenses)),
        "author_keywords": list(map(shortened, release.keywords)),
        "imports": [import_line(release.org, each) for each in release.modules],
        "dependencies": [f"{e.org}/{e.name}:{e.version}" for e in release.dependencies],
        "versions": [each.version for each in survey.live],
    }
    firsts = {
        name: page_of_rows(values, 0, ROWS_ON_A_PAGE, len(values), LIST_BYTES)[0]
        for name, values in lists.items()
    }
    of = f"package={package} version={release.version}"
    notes = [f"{span(f'list_api {of}')} lists what it declares; get_readme shows its readme."]
    advisories, better = await advisories_of(call, release.coordinate, survey)
    notes += affected_notes(release.version, advisories, better)
    if successor:
        way = span(f"get_package package={successor}")
        notes.append(f"{span(successor)} replaces this package: {way}.")
    notes += [
        f"Listed are the first {len(firsts[name])} of {len(values)} {name.removeprefix('author_')}."
        for name, values in lists.items()
        if len(firsts[name]) < len(values)
    ]
    return PackageSummary(
        notes,
        package=str(package),
        version=release.version,
        visibility=found.head.visibility.value,
        published=machine_moment(release.created_ms),
        url=call.registry.settings.base_url + release_path(package, release.version),
        is_deprecated=found.deprecation is not None,
        author_deprecation=shortened(found.deprecation or ""),
        successor=str(successor or ""),
        author_summary=shortened(release.summary),
        version_count=len(lists["versions"]),
        advisories=advisory_rows(advisories),
        **firsts,
    )


@tool("Read a readme")
async def get_readme(call: Call, arguments: PageOfPackage) -> AuthorText:
    """Read the readme of a package, a page at a time, as its authors wrote it."""
    found = await describe_release(call, arguments)
    text = found.texts.readme.strip()
    notes = [] if text else ["This version has no readme."]
    return author_text(found.release, page_of_text(text, arguments.offset), *notes)
