"""The versions that the files of a Ballerina package name, as `bal` writes them.

Programs that are run by themselves read them, so it needs Python 3.9 or later, and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_FILE_BYTES = 10_000_000


class UnreadableFile(Exception):
    """A file cannot be read; the text is a sentence that says which."""


@dataclass(frozen=True)
class Used:
    """A version that a file names, and the line where."""

    org: str
    name: str
    version: str
    file: str
    line: int


_TABLE = re.compile(r"\s*\[\[?\s*([\w.]+)\s*\]\]?\s*(?:#.*)?$")
_FIELD = re.compile(r"""\s*(org|name|version)\s*=\s*["']([^"'\n]*)["']""")


def read_versions(file: Path) -> Iterator[Used]:
    """Yield each version that the file names, and those of the Dependencies.toml beside it.

    What a build uses is locked in Dependencies.toml. Versions of a Ballerina.toml are the least
    that it takes, so they are left out for packages that are locked.
    """
    locked = file.with_name("Dependencies.toml")
    found: dict[tuple[str, str], Used] = {}
    for each in _tables(locked) if locked.is_file() else ():
        found[each.org, each.name] = each
    for each in _tables(file):
        found.setdefault((each.org, each.name), each)
    # `bal` lists the package itself in its Dependencies.toml as well.
    found.pop(_own_package(file.with_name("Ballerina.toml")), None)
    # The packages of the language itself have no releases.
    yield from (each for each in found.values() if each.version not in ("", "0.0.0"))


def _own_package(file: Path) -> tuple[str, str]:
    """Return the package of a Ballerina.toml; two empty texts without one."""
    found = next(_tables(file, of_itself=True), None) if file.is_file() else None
    return (found.org, found.name) if found else ("", "")


def _tables(file: Path, *, of_itself: bool = False) -> Iterator[Used]:
    """Yield the tables of packages in the form that `bal` writes: a field a line. Python has no
    parser of TOML before 3.11."""
    try:
        if file.stat().st_size > LARGEST_FILE_BYTES:
            message = f"{file} has more than {LARGEST_FILE_BYTES:,} bytes."
            raise UnreadableFile(message)
        lines = file.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        message = f"{file} cannot be read. Name the Ballerina.toml of a package."
        raise UnreadableFile(message) from None
    fields: dict[str, str] = {}
    begin = 0
    is_listed = False
    for number, line in enumerate((*lines, "[end]"), start=1):
        table = _TABLE.match(line)
        if table:
            if is_listed and fields.keys() >= {"org", "name"}:
                values = (fields["org"], fields["name"], fields.get("version", ""))
                yield Used(*values, str(file), begin)
            # `[package]` is the package itself; `[[package]]` is one that is locked.
            is_one = not line.lstrip().startswith("[[")
            is_listed = is_one == of_itself and table[1] in ("package", "dependency")
            fields = {}
            begin = number
        elif field := _FIELD.match(line):
            fields.setdefault(field[1], field[2])
