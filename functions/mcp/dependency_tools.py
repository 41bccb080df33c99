"""Tools for agents that resolve packages, and check the dependencies of a package."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from functions.http.calls import Call
from functions.mcp.package_arguments import parse_package
from functions.mcp.texts import AgentAnswer, page_of_rows, shortened
from functions.mcp.tool_declaration import ROWS_ON_A_PAGE, Arguments, Offset, tool
from shared.domain.build_resolution import PackageRequest
from shared.domain.coordinates import Package
from shared.domain.dependency_files import named_dependencies, unversioned
from shared.domain.distributions import ClientProfile, Distribution, LanguageVersion
from shared.domain.errors.base import InvalidRequest, quoted
from shared.domain.sentences import counted, named
from shared.domain.versions import Version
from shared.services.api_docs.dependency_updates import CheckedDependency, DependencyState
from shared.services.packages.build_previews import (
    MOST_NEEDED,
    BuildPreview,
    TakenPackage,
    UnresolvedReason,
)

USERS_NAMED = 3  # Users of a package that an answer names.


class Resolve(Arguments, frozen=True):
    packages: Annotated[
        list[Annotated[str, Meta(max_length=350)]],
        Meta(min_length=1, max_length=25, description="Each org/name, or org/name:version."),
    ]
    distribution: Annotated[str, Meta(max_length=40, description="Such as 2201.13.0.")] = ""
    offset: Offset = 0


class ResolvedRow(Struct, frozen=True, rename="camel"):
    package: str
    version: str
    is_direct: bool
    author_deprecation: str = ""
    advisories: str = ""


class UnresolvedRow(Struct, frozen=True, rename="camel"):
    package: str
    version: str
    reason: str
    needed_by: str = ""


class Resolution(AgentAnswer, frozen=True):
    unresolved: list[UnresolvedRow]
    packages: list[ResolvedRow]
    next_offset: int | None


@tool("Resolve packages")
async def resolve(call: Call, arguments: Resolve) -> Resolution:
    """Show which versions a build with this distribution of Ballerina would take of these packages
    and of all that they depend on; first those that it cannot take, why, and who needs them."""
    client = _client(call, arguments.distribution)
    requests = list(dict.fromkeys(map(_request, arguments.packages)))
    previews = call.registry.packages.build_previews
    preview = await previews.preview(requests, call.package_source, client=client, by=call.caller)
    taken = await _taken_rows(call, preview.taken)
    missing = preview.unresolved
    listed = missing[arguments.offset : arguments.offset + ROWS_ON_A_PAGE]
    reasons = await previews.reasons(listed, by=call.caller)
    unresolved = [
        UnresolvedRow(
            shortened(f"{each.org}/{each.name}"),
            shortened(each.version),
            _REASONS[reason],
            shortened(named(preview.users_of(each), USERS_NAMED)),
        )
        for each, reason in zip(listed, reasons, strict=True)
    ]
    page, more = page_of_rows(
        [*unresolved, *taken[max(0, arguments.offset - len(missing)) :]],
        arguments.offset,
        ROWS_ON_A_PAGE,
        len(missing) + len(taken),
    )
    return Resolution(
        _resolution_notes(preview),
        [each for each in page if isinstance(each, UnresolvedRow)],
        [each for each in page if isinstance(each, ResolvedRow)],
        more,
    )


_REASONS = {
    UnresolvedReason.NO_PACKAGE: "The registry has no such package, or it is private.",
    UnresolvedReason.NO_VERSION: "The package has no such version.",
    UnresolvedReason.WITHDRAWN: "This version was withdrawn.",
    UnresolvedReason.NO_FITTING_VERSION: "No version of it works with this distribution.",
}


def _client(call: Call, distribution: str) -> ClientProfile:
    """Return what a build with the distribution can use; without one, what the caller can."""
    if not distribution:
        return call.client
    language = LanguageVersion.parse(distribution)
    if language is None:
        message = f"{quoted(distribution)} must be a distribution, written as 2201.13.0."
        raise InvalidRequest(message)
    # The Go toolchain calls itself 0.6.0, and takes what was built for any version of it.
    of_go = ClientProfile.of("any, go1.26", distribution)
    return Distribution(distribution, language).client if of_go.language else of_go


def _resolution_notes(preview: BuildPreview) -> list[str]:
    taken = counted(len(preview.taken), "package")
    notes = [f"{taken} taken, {len(preview.unresolved)} unresolved."]
    if preview.has_two_versions:
        notes.append("Two versions of one package are taken, which a build refuses.")
    if not preview.is_complete:
        notes.append(f"Dependencies after the first {MOST_NEEDED} were not resolved.")
    return notes


async def _taken_rows(call: Call, taken: Sequence[TakenPackage]) -> list[ResolvedRow]:
    """Return the rows of packages, with the advisories that affect them."""
    releases = [Package.from_text(each.name).at(each.version) for each in taken]
    affected = await call.registry.advisories.affected_versions.of_releases(releases)
    return [
        ResolvedRow(
            each.name,
            each.version.text,
            each.is_direct,
            author_deprecation=shortened(each.deprecation or ""),
            advisories=shortened(", ".join(advisory.id for advisory in advisories)),
        )
        for each, advisories in zip(taken, affected.advisories, strict=True)
    ]


def _request(text: str) -> PackageRequest:
    name, _, version = text.partition(":")
    package = parse_package(name)
    return PackageRequest.of(package.org, package.name, version and Version.parse(version).text)


class Check(Arguments, frozen=True):
    dependencies: Annotated[
        str,
        Meta(
            max_length=200_000, description="The content of a Dependencies.toml or Ballerina.toml."
        ),
    ]
    offset: Offset = 0


class CheckedRow(Struct, rename="camel"):
    package: str
    version: str
    state: Literal["withdrawn", "missing", "deprecated", "newer", "current"] = "missing"
    withdrawal_reason: str = ""
    permanent: bool = False
    author_deprecation: str = ""
    successor: str = ""
    newest: str = ""
    breaking_versions: str = ""
    advisories: str = ""
    next: str = ""


class Checked(AgentAnswer, frozen=True):
    packages: list[CheckedRow]
    next_offset: int | None


@tool("Check dependencies")
async def check(call: Call, arguments: Check) -> Checked:
    """Check a Dependencies.toml or a Ballerina.toml: which of its versions are withdrawn or
    deprecated, which packages another one replaces, which have newer versions, and which of these
    break callers. A dependency without a version counts as the newest."""
    wanted = [*named_dependencies(arguments.dependencies), *unversioned(arguments.dependencies)]
    page = wanted[arguments.offset : arguments.offset + ROWS_ON_A_PAGE]
    updates = call.registry.api_docs.dependency_updates
    by = call.caller
    newest = await updates.newest([each for each in page if isinstance(each, Package)], by=by)
    used = [newest.get(each.key) if isinstance(each, Package) else each for each in page]
    checked = iter(await updates.check([each for each in used if each], by=by))
    rows = [
        _checked_row(next(checked)) if coordinate else CheckedRow(str(each), "")
        for each, coordinate in zip(page, used, strict=True)
    ]
    await _name_advisories(call, [each for each in rows if each.state != "missing"])
    notes = [f"{counted(len(wanted), 'package')} checked."]
    if call.registry.mirroring:
        notes.append("What nobody pulled from an upstream is missing here.")
    return Checked(notes, *page_of_rows(rows, arguments.offset, ROWS_ON_A_PAGE, len(wanted)))


async def _name_advisories(call: Call, rows: Sequence[CheckedRow]) -> None:
    """Name the advisories that affect the versions of some rows, whose packages the caller sees."""
    releases = [Package.from_text(each.package).at(Version.parse(each.version)) for each in rows]
    affected = await call.registry.advisories.affected_versions.of_releases(releases)
    for row, advisories in zip(rows, affected.advisories, strict=True):
        row.advisories = shortened(", ".join(each.id for each in advisories))


def _checked_row(found: CheckedDependency) -> CheckedRow:
    used = found.used
    withdrawal = found.withdrawal
    of = f"package={used.package}"
    compare = f"compare_versions {of} before={used.version} after={found.newest}"
    is_known = found.newest or found.state is not DependencyState.MISSING
    look = f"get_package {of}" if is_known else ""
    is_comparable = found.state in (DependencyState.NEWER, DependencyState.DEPRECATED)
    return CheckedRow(
        str(used.package),
        used.version.text,
        found.state.value,
        withdrawal.why if withdrawal else "",
        permanent=withdrawal is not None and withdrawal.is_final,
        author_deprecation=shortened(found.deprecation or ""),
        successor=str(found.successor or ""),
        newest=found.newest,
        breaking_versions=shortened(", ".join(found.breaking)),
        next=compare if found.newest and is_comparable else look,
    )
