"""The versions that the files of a Ballerina package name, as `bal` writes them, and the package
that an archive says it is.

Programs that are run by themselves read them, so it needs Python 3.9 or later, and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.script_client import objects_in, part_of_archive, read_object

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_FILE_BYTES = 10_000_000


class UnreadableFile(Exception):
    """A file cannot be read; the text is a sentence that says which."""


@dataclass(frozen=True)
class UsedVersion:
    """A version that a file names, and the line where."""

    org: str
    name: str
    version: str
    file: str
    line: int


@dataclass(frozen=True)
class UsedLibrary:
    """A Java library that a Ballerina.toml names, by coordinates or only by a file."""

    group: str
    artifact: str
    version: str
    file: str
    line: int

    @property
    def has_coordinates(self) -> bool:
        return bool(self.group and self.artifact and self.version)


@dataclass(frozen=True)
class PackedPackage:
    """The package that an archive says it is, and the packages that it needs."""

    org: str
    name: str
    version: str
    needs: frozenset[tuple[str, str]]


_HEADER = re.compile(r"\s*\[\[?\s*([\w.-]+)\s*\]\]?\s*(?:#.*)?$")
_FIELD = re.compile(r"""\s*(org|name|version|groupId|artifactId)\s*=\s*["']([^"'\n]*)["']""")
_LIBRARY = re.compile(r"platform\.[\w-]+\.dependency$")


def packed_package(archive: zipfile.ZipFile) -> PackedPackage | None:
    """Return the package of an archive; None if it names none. What `zipfile` raises for a damaged
    archive is raised, and `ValueError` for a file that is no text."""
    if "package.json" in archive.NameToInfo:
        package = read_object(part_of_archive(archive, "package.json"))
        graph = read_object(part_of_archive(archive, "dependency-graph.json"))
        keys = ("organization", "name", "version")
        org, name, version = (str(package.get(each) or "") for each in keys)
        listed = objects_in(graph.get("packages"))
        named = {(str(each.get("org")), str(each.get("name"))) for each in listed}
    else:  # The Go toolchain packs the files of the project itself.
        org, name, version = _own_release(part_of_archive(archive, "Ballerina.toml").decode())
        locked = _tables_in(part_of_archive(archive, "Dependencies.toml").decode())
        named = {(each.text("org"), each.text("name")) for each in locked if each.names_a_package}
    if not (org and name and version):
        return None
    return PackedPackage(org, name, version, frozenset(named - {(org, name)}))


def _own_release(manifest: str) -> tuple[str, str, str]:
    """Return the package of a Ballerina.toml with its version; empty texts for what it lacks."""
    for table in _tables_in(manifest):
        if table.is_package_itself:
            return table.text("org"), table.text("name"), table.text("version")
    return "", "", ""


def read_versions(file: Path) -> Iterator[UsedVersion]:
    """Yield each version that the file names, and those of the Dependencies.toml beside it.

    What a build uses is locked in Dependencies.toml. Versions of a Ballerina.toml are the least
    that it takes, so they are left out for packages that are locked.
    """
    locked = file.with_name("Dependencies.toml")
    found: dict[tuple[str, str], UsedVersion] = {}
    for each in _packages(locked) if locked.is_file() else ():
        found[each.org, each.name] = each
    for each in _packages(file):
        found.setdefault((each.org, each.name), each)
    # `bal` lists the package itself in its Dependencies.toml as well.
    found.pop(_own_package(file.with_name("Ballerina.toml")), None)
    # The packages of the language itself have no releases.
    yield from (each for each in found.values() if each.version not in ("", "0.0.0"))


def read_libraries(file: Path) -> Iterator[UsedLibrary]:
    """Yield the Java libraries that the Ballerina.toml of the same package names."""
    manifest = file.with_name("Ballerina.toml")
    for table in _tables(manifest) if manifest.is_file() else ():
        if table.is_one_of_many and _LIBRARY.match(table.name):
            group, artifact, version = map(table.text, ("groupId", "artifactId", "version"))
            yield UsedLibrary(group, artifact, version, str(manifest), table.line)


def _own_package(file: Path) -> tuple[str, str]:
    """Return the package of a Ballerina.toml; two empty texts without one."""
    for table in _tables(file) if file.is_file() else ():
        if table.is_package_itself and table.names_a_package:
            return table.text("org"), table.text("name")
    return "", ""


def _packages(file: Path) -> Iterator[UsedVersion]:
    for table in _tables(file):
        is_used = table.is_one_of_many and table.name in ("package", "dependency")
        if is_used and table.names_a_package:
            org, name, version = map(table.text, ("org", "name", "version"))
            yield UsedVersion(org, name, version, str(file), table.line)


@dataclass(frozen=True)
class _Table:
    """A table of a file: one of many has the form `[[name]]`."""

    name: str
    is_one_of_many: bool
    line: int
    fields: dict[str, str]

    @property
    def names_a_package(self) -> bool:
        return self.fields.keys() >= {"org", "name"}

    @property
    def is_package_itself(self) -> bool:
        """Whether it is `[package]`; `[[package]]` is one that is locked."""
        return self.name == "package" and not self.is_one_of_many

    def text(self, field: str) -> str:
        return self.fields.get(field, "")


def _tables(file: Path) -> Iterator[_Table]:
    """Yield the tables of a file; raise `UnreadableFile`."""
    try:
        if file.stat().st_size > LARGEST_FILE_BYTES:
            message = f"{file} has more than {LARGEST_FILE_BYTES:,} bytes."
            raise UnreadableFile(message)
        text = file.read_text("utf-8")
    except (OSError, ValueError):
        message = f"{file} cannot be read. Name the Ballerina.toml of a package."
        raise UnreadableFile(message) from None
    return _tables_in(text)


def _tables_in(text: str) -> Iterator[_Table]:
    """Yield the tables of a text in the form that `bal` writes: a field a line. Python has no
    parser of TOML before 3.11."""
    table = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            if table:
                yield table
            table = _Table(header[1], line.lstrip().startswith("[["), number, {})
        elif table and (field := _FIELD.match(line)):
            table.fields.setdefault(field[1], field[2])
    if table:
        yield table
