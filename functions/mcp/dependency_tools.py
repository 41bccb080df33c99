"""Tools for agents that resolve packages, and check the dependencies of a package."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal

import orjson
from msgspec import Meta, Struct
from msgspec.structs import replace

from functions.http.calls import Call
from functions.mcp.package_arguments import parse_package
from functions.mcp.texts import AgentAnswer, page_of_rows, shortened
from functions.mcp.tool_declaration import ROWS_ON_A_PAGE, Arguments, Offset, tool
from shared.domain.build_resolution import PackageRequest, ResolvedPackage
from shared.domain.coordinates import Package
from shared.domain.dependency_files import named_dependencies, unversioned
from shared.domain.distributions import Distribution, LanguageVersion
from shared.domain.errors.base import InvalidRequest, quoted
from shared.domain.packages import Survey
from shared.domain.sentences import counted, named
from shared.domain.versions import Version
from shared.services.api_docs.dependency_updates import CheckedDependency, DependencyState

USERS_NAMED = 3  # Users of a package that an answer names.
MOST_NEEDED = 500  # Dependencies of the packages that are resolved.


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
async def resolve(call: Call, asked: Resolve) -> Resolution:
    """Show which versions a build with this distribution of Ballerina would take of these packages
    and of all that they depend on; first those that it cannot take, why, and who needs them."""
    client = call.client
    if asked.distribution:
        language = LanguageVersion.parse(asked.distribution)
        if language is None:
            message = f"{quoted(asked.distribution)} must be a distribution, written as 2201.13.0."
            raise InvalidRequest(message)
        client = Distribution(asked.distribution, language).client
    requests = list(dict.fromkeys(map(_request, asked.packages)))
    by = call.caller
    direct = await call.package_source.resolve_packages(requests, client=client, by=by)
    users = dict[tuple[str, str, str], dict[str, None]]()  # The users of each package.
    for each in direct.resolved:  # Reading all of what 25 packages need could take half a second.
        for node, user in _needed(each) if len(users) <= MOST_NEEDED else ():
            users.setdefault(node, {})[user] = None
    nodes = sorted(users)[:MOST_NEEDED]
    needed = await call.package_source.resolve_packages(
        [PackageRequest.of(*each) for each in nodes], client=client, by=by
    )
    rows = dict[tuple[str, str], ResolvedRow]()
    for is_direct, found in ((True, direct), (False, needed)):
        for each in found.resolved:
            name = f"{each.request.org}/{each.request.name}"
            told = shortened(each.deprecation or "")
            row = ResolvedRow(name, each.version.text, is_direct, told)
            rows.setdefault((name.lower(), row.version), row)
    missing = list(dict.fromkeys((*direct.unresolved, *needed.unresolved)))
    notes = [f"{counted(len(rows), 'package')} taken, {len(missing)} unresolved."]
    if len({name for name, _ in rows}) < len(rows):
        notes.append("Two versions of one package are taken, which a build refuses.")
    if len(users) > MOST_NEEDED:
        notes.append(f"Dependencies after the first {MOST_NEEDED} were not resolved.")
    await _name_advisories_of_resolved(call, rows)
    listed = missing[asked.offset : asked.offset + ROWS_ON_A_PAGE]
    unresolved = await _unresolved_rows(call, listed, users)
    taken = [*rows.values()][max(0, asked.offset - len(missing)) :]
    page, more = page_of_rows(
        [*unresolved, *taken], asked.offset, ROWS_ON_A_PAGE, len(missing) + len(rows)
    )
    return Resolution(
        notes,
        [each for each in page if isinstance(each, UnresolvedRow)],
        [each for each in page if isinstance(each, ResolvedRow)],
        more,
    )


async def _name_advisories_of_resolved(
    call: Call, rows: dict[tuple[str, str], ResolvedRow]
) -> None:
    """Name the advisories that affect what was taken, which the caller sees."""
    releases = [
        Package.from_text(each.package).at(Version.parse(each.version)) for each in rows.values()
    ]
    affected = await call.registry.advisories.affected_versions.of_releases(releases)
    for key, advisories in zip(list(rows), affected.advisories, strict=True):
        if advisories:
            ids = shortened(", ".join(each.id for each in advisories))
            rows[key] = replace(rows[key], advisories=ids)


async def _unresolved_rows(
    call: Call,
    requests: Sequence[PackageRequest],
    users: Mapping[tuple[str, str, str], Iterable[str]],
) -> list[UnresolvedRow]:
    """Return why each package cannot be taken, as far as the caller may know."""
    packages = [Package.parse(each.org, each.name) for each in requests if each.wanted]
    surveys = await call.registry.packages.hosted.visible(packages, by=call.caller)
    rows = list[UnresolvedRow]()
    for each in requests:
        name = f"{each.org}/{each.name}"
        survey = surveys.get(name.lower())
        told = [*users.get((each.org, each.name, each.version), ())]
        needed_by = shortened(named(told, USERS_NAMED))
        reason = _why_unresolved(survey, each.version)
        rows.append(UnresolvedRow(shortened(name), shortened(each.version), reason, needed_by))
    return rows


def _why_unresolved(survey: Survey | None, version: str) -> str:
    if survey is None or not survey.entries:
        return "The registry has no such package, or it is private."
    entry = next((each for each in survey.entries if each.version == version), None)
    if version and entry is None:
        return "The package has no such version."
    if entry is not None and entry.is_publicly_withheld:
        return "This version was withdrawn."
    return "No version of it works with this distribution."


def _needed(found: ResolvedPackage) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Yield the packages of a graph but its root, without those that are part of the language,
    each with a package that depends on it."""
    graph = orjson.loads(found.graph)
    users = dict[tuple[str, str], list[str]]()
    for each in graph:
        for needed in each.get("dependencies") or ():
            user = f"{each['org']}/{each['name']}:{each['version']}"
            users.setdefault((needed["org"], needed["name"]), []).append(user)
    root = f"{found.request.org}/{found.request.name}:{found.version.text}"
    for each in graph[1:]:
        if each["version"] != "0.0.0":
            node = each["org"], each["name"], each["version"]
            for user in users.get(node[:2]) or [root]:
                yield node, user


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
async def check(call: Call, asked: Check) -> Checked:
    """Check a Dependencies.toml or a Ballerina.toml: which of its versions are withdrawn or
    deprecated, which packages another one replaces, which have newer versions, and which of these
    break callers. A dependency without a version counts as the newest."""
    wanted = [*named_dependencies(asked.dependencies), *unversioned(asked.dependencies)]
    page = wanted[asked.offset : asked.offset + ROWS_ON_A_PAGE]
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
    told = [f"{counted(len(wanted), 'package')} checked."]
    if call.registry.mirroring:
        told.append("What nobody pulled from an upstream is missing here.")
    return Checked(told, *page_of_rows(rows, asked.offset, ROWS_ON_A_PAGE, len(wanted)))


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
