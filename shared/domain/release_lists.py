"""Releases that an operator, a list or a lock file names."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from shared.domain.archives.manifest import DEPENDENCIES_TOML, DependenciesToml, read_model
from shared.domain.bounded_parsing import parse_toml
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import InvalidRequest, Refusal

# Versions of packages of the platform that are parts of the distribution: no registry has them.
BUILT_IN_VERSIONS = frozenset(("0.0.0", "0.0.1"))

_BUILT_IN_ORGS = ("ballerina", "ballerinai")


def is_built_in(org: str, name: str, version: str = "") -> bool:
    """Check whether a package is a part of the distribution, which no registry has: `lang.*` in
    every version, and others by their version."""
    if org == "ballerina" and name.startswith("lang."):
        return True
    return org in _BUILT_IN_ORGS and version in BUILT_IN_VERSIONS


def read_list(text: str) -> tuple[Coordinate, ...]:
    """Return the releases of a list, one on each line, without comments after `#`."""
    found = list[Coordinate]()
    for number, line in enumerate(text.splitlines(), start=1):
        wanted = line.partition("#")[0].strip()
        if not wanted:
            continue
        try:
            found.append(Coordinate.from_text(wanted))
        except Refusal as refusal:
            sentence = f"Line {number} of the list is no org/name:version: {refusal}"
            raise InvalidRequest(sentence) from None
    return tuple(dict.fromkeys(found))


def read_lock(content: bytes) -> tuple[Coordinate, ...]:
    """Return the packages and tools that a `Dependencies.toml` locks, without the project itself,
    which is the one that no other depends on, and without parts of the distribution."""
    parsed = parse_toml(DEPENDENCIES_TOML, content, then="try again")
    locked = read_model(DependenciesToml, DEPENDENCIES_TOML, parsed)
    needed = {(n.org, n.name) for each in locked.package for n in each.dependencies}
    roots = [each for each in locked.package if (each.org, each.name) not in needed]
    project = roots[0] if len(roots) == 1 and roots[0].dependencies else None
    items = [(e.org, e.name, e.version) for e in locked.package if e is not project]
    return _coordinates([*items, *_tools(parsed)])


def _tools(parsed: Mapping[str, object]) -> Iterable[tuple[str, str, str]]:
    """Yield the packages of the locked tools of a build."""
    listed = parsed.get("tool")
    for each in cast("list[object]", listed) if isinstance(listed, list) else []:
        if isinstance(each, dict):
            item = cast("dict[str, object]", each)
            org, name, version = (item.get(key) for key in ("org", "name", "version"))
            if isinstance(org, str) and isinstance(name, str) and isinstance(version, str):
                yield org, name, version


def _coordinates(items: Iterable[tuple[str, str, str]]) -> tuple[Coordinate, ...]:
    found: Sequence[Coordinate] = [
        Coordinate.parse(org, name, version)
        for org, name, version in items
        if not is_built_in(org, name, version)
    ]
    return tuple(dict.fromkeys(found))
