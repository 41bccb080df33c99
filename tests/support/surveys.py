"""Surveys for tests: packages with the releases that a test names."""

from collections.abc import Iterable, Sequence

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Package
from shared.domain.packages import Head, ReleaseEntry, Survey
from shared.domain.release_states import State
from shared.domain.visibility import Visibility
from shared.ports.metadata import ReadCheck


def entry(
    version: str,
    *,
    platform: str = "any",
    built_with: str = "2201.8.0",
    state: State = State.LIVE,
    deprecation: str | None = None,
    modules: tuple[str, ...] = (),
    tools: tuple[str, ...] = (),
) -> ReleaseEntry:
    """Build the entry of a release."""
    return ReleaseEntry(
        version=version,
        platform=platform,
        ballerina_version=built_with,
        state=state,
        deprecation=deprecation,
        modules=modules,
        tools=tools,
        digest=Digest.of(f"{version} {platform} {modules} {tools}".encode()).hex,
        size_bytes=1,
        created_ms=1,
    )


def deprecated(version: str) -> ReleaseEntry:
    """Build the entry of a deprecated release."""
    return entry(version, deprecation="Use another.")


def survey(
    *releases: ReleaseEntry | str,
    package: str = "acme/greet",
    deprecation: str | None = None,
    visibility: Visibility = Visibility.PUBLIC,
) -> Survey:
    """Build a package with these releases, which are put in a survey's order."""
    org, name = Package.parse(*package.split("/")).key.split("/")
    head = Head(org=org, name=name, created_ms=1, deprecation=deprecation, visibility=visibility)
    return Survey(
        head, newest_first(r if isinstance(r, ReleaseEntry) else entry(r) for r in releases)
    )


def newest_first(entries: Iterable[ReleaseEntry]) -> tuple[ReleaseEntry, ...]:
    """Return the entries in the order that surveys promise."""
    return tuple(sorted(entries, key=lambda each: each.parsed.precedence, reverse=True))


async def checked(
    found: Sequence[tuple[Package, Survey | None]], check: ReadCheck | None
) -> list[Survey | None]:
    """Return the surveys of a store that asks a check, as `PackageReader` promises."""
    if check is None:
        return [each for _, each in found]
    readable = await check([(package, each.head if each else None) for package, each in found])
    return [each if package.key in readable else None for package, each in found]
