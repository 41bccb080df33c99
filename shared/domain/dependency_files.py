"""The packages that a Ballerina.toml or a Dependencies.toml names with a version."""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from shared.domain.bounded_parsing import parse_toml
from shared.domain.coordinates import Coordinate, Package

# The tables of dependencies in Dependencies.toml and in Ballerina.toml.
_TABLES = ("package", "dependency")
_NO_RELEASE = ("", "0.0.0")  # A dependency without a version, or a module of the language itself.


def named_dependencies(text: str) -> tuple[Coordinate, ...]:
    """Return the packages of either file, each version once, in its order.

    Raises `BadArchive` for a file that is no TOML, and what `Coordinate.parse` raises.
    """
    found: dict[Coordinate, None] = {}
    for org, name, version in _rows(text, _TABLES):
        if version not in _NO_RELEASE:
            found[Coordinate.parse(org, name, version)] = None
    return tuple(found)


def unversioned(text: str) -> tuple[Package, ...]:
    """Return the packages that a Ballerina.toml names without a version: a build takes the newest.
    Raises as `named_dependencies`."""
    rows = _rows(text, _TABLES[1:])
    return tuple(
        dict.fromkeys(Package.parse(org, name) for org, name, version in rows if not version)
    )


def _rows(text: str, tables: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield organization, name and version of each row of the tables."""
    content = parse_toml("Dependencies.toml", text.encode(), then="try again")
    for table in tables:
        listed = content.get(table)
        # `[package]` of Ballerina.toml is the package itself, and no list.
        for each in cast("Iterable[object]", listed if isinstance(listed, list) else []):
            values = cast("Mapping[str, object]", each if isinstance(each, dict) else {})
            org, name, version = (str(values.get(key, "")) for key in ("org", "name", "version"))
            yield org, name, version
