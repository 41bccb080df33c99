"""Settings.toml: adding a registry without changing anything else, and replacing the file."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.login.toml_text import Assignment, Table, UnreadableToml, string_of, tables_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPOSITORIES = ("repository", "maven")
CENTRAL = ("central",)


class SettingsUnmergeable(Exception):
    """The settings cannot be changed safely; the text is a sentence for their owner."""


@dataclass(frozen=True)
class Repository:
    """One entry of `[[repository.maven]]`, identified by its `id`."""

    id: str
    url: str
    username: str
    accesstoken: str
    proxy_central: bool | None = None  # None leaves it unchanged; a new entry is no proxy.


def merge_settings(text: str, repositories: Sequence[Repository], central_token: str | None) -> str:
    """Return the settings with these entries, and with the token of Central if there is one.

    Comments, order and all other settings are preserved. Raises `SettingsUnmergeable`.
    """
    _check(text)
    for each in repositories:
        text = _with_repository(text, each)
    if central_token is not None:
        text = _with_central(text, central_token)
    _check(text)
    return text


def repository_ids(text: str) -> list[str]:
    """Return the ids of the entries of `[[repository.maven]]`, or raise `SettingsUnmergeable`."""
    return [name for name in map(_id_of, _entries(_tables(text))) if name is not None]


def _check(text: str) -> None:
    """Parse the text with `tomllib` as well, where it exists: from Python 3.11 on."""
    if importlib.util.find_spec("tomllib") is None:
        return
    import tomllib  # noqa: PLC0415 - not in Python 3.9 and 3.10.

    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsUnmergeable(_not_toml(str(error))) from None


def _tables(text: str) -> list[Table]:
    try:
        return tables_of(text)
    except UnreadableToml as error:
        raise SettingsUnmergeable(_not_toml(str(error))) from None


def _not_toml(reason: str) -> str:
    return f"It is not TOML: {reason}. Mend it, or move it away, and log in again."


def _with_repository(text: str, wanted: Repository) -> str:
    tables = _tables(text)
    _check_repositories(tables)
    entries = _entries(tables)
    if wanted.proxy_central:
        _check_only_proxy(entries, wanted)
    mine = [each for each in entries if _id_of(each) == wanted.id]
    if len(mine) > 1:
        message = f"Two entries of [[repository.maven]] have the id {wanted.id!r}. Remove one."
        raise SettingsUnmergeable(message)
    values = _values_of(wanted)
    if not mine:
        block = [f"# The registry at {wanted.url}", "[[repository.maven]]"]
        lines = {"id": _quoted(wanted.id), **values}
        return _with_block(text, [*block, *(f"{key} = {lines[key]}" for key in lines)])
    if wanted.proxy_central is None and mine[0].find("proxyCentral"):
        del values["proxyCentral"]
    return _with_values(text, mine[0], values)


def _values_of(wanted: Repository) -> dict[str, str]:
    return {
        "url": _quoted(wanted.url),
        "username": _quoted(wanted.username),
        "accesstoken": _quoted(wanted.accesstoken),
        "proxyCentral": "true" if wanted.proxy_central else "false",
    }


def _with_central(text: str, token: str) -> str:
    tables = _tables(text)
    written = [each for each in tables if each.path == CENTRAL]
    for each in _assignments(tables):
        if each.path[:1] == CENTRAL and not any(each in table.assignments for table in written):
            raise SettingsUnmergeable(_inline("central", each))
    if not written:
        return _with_block(text, ["[central]", f"accesstoken = {_quoted(token)}"])
    if written[0].is_entry:
        message = "It has [[central]], and [central] is one table. Write it with single brackets."
        raise SettingsUnmergeable(message)
    return _with_values(text, written[0], {"accesstoken": _quoted(token)})


def _check_repositories(tables: list[Table]) -> None:
    """Raise if existing entries are written so that no entry can be added."""
    for table in tables:
        if table.path == REPOSITORIES and not table.is_entry:
            message = "It has [repository.maven]; an entry has double brackets. Mend it by hand."
            raise SettingsUnmergeable(message)
        if table.path == REPOSITORIES[:1] and table.is_entry:
            message = "It has [[repository]]; only what is below it has entries. Mend it by hand."
            raise SettingsUnmergeable(message)
        inside = table.path[:2] == REPOSITORIES
        for each in table.assignments:
            if not inside and each.path[:2] in (REPOSITORIES, REPOSITORIES[:1]):
                raise SettingsUnmergeable(_inline("repository.maven", each))


def _inline(name: str, found: Assignment) -> str:
    written = ".".join(found.path)
    return (
        f"It says {written} = … on one line, so nothing can be put into {name} safely. "
        f"Write it as a table of its own, and log in again."
    )


def _check_only_proxy(entries: list[Table], wanted: Repository) -> None:
    for each in entries:
        flag = each.find("proxyCentral")
        if flag is not None and flag.value == "true" and _id_of(each) != wanted.id:
            message = (
                f"The entry {_id_of(each)!r} is a proxy of Central already, and bal stops when "
                "there are two. Set its proxyCentral to false, and log in again."
            )
            raise SettingsUnmergeable(message)


def _entries(tables: list[Table]) -> list[Table]:
    return [each for each in tables if each.path == REPOSITORIES and each.is_entry]


def _assignments(tables: list[Table]) -> list[Assignment]:
    return [each for table in tables for each in table.assignments]


def _id_of(entry: Table) -> str | None:
    found = entry.find("id")
    return string_of(found.value) if found is not None else None


def _with_values(text: str, table: Table, values: dict[str, str]) -> str:
    """Set keys of one table, from the end of the text to its start: positions stay valid."""
    missing = [f"{key} = {value}" for key, value in values.items() if table.find(key) is None]
    text = _with_lines(text, table, missing)
    known = [(each, values[each.path[-1]]) for each in _known(table, values)]
    for each, value in sorted(known, key=lambda pair: -pair[0].start):
        if string_of(each.value) is None or string_of(each.value) != string_of(value):
            text = text[: each.value_start] + value + text[each.value_end :]
    return text


def _known(table: Table, values: dict[str, str]) -> list[Assignment]:
    return [found for found in map(table.find, values) if found is not None]


def _with_lines(text: str, table: Table, lines: list[str]) -> str:
    """Insert lines after the last assignment of a table, with the same indentation."""
    if not lines:
        return text
    last = table.assignments[-1] if table.assignments else None
    at = last.end if last else table.end
    indent = _indent_of(text, last) if last else ""
    newline = _newline_of(text)
    before, after = text[:at], text[at:]
    if not before.endswith("\n"):
        before += newline
    return before + "".join(f"{indent}{line}{newline}" for line in lines) + after


def _with_block(text: str, lines: list[str]) -> str:
    """Append a table at the end."""
    newline = _newline_of(text)
    block = newline.join(lines) + newline
    if not text.strip():
        return text + block
    return text + ("" if text.endswith("\n") else newline) + newline + block


def _indent_of(text: str, assignment: Assignment) -> str:
    line = text[assignment.start : assignment.value_start]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _newline_of(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _quoted(text: str) -> str:
    """Return a quoted string; a JSON string is a TOML string except for U+007F."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


SETTINGS_FILE_NAME = "Settings.toml"
OWNER_ONLY = 0o600  # The file holds a token.
LARGEST_FILE_BYTES = 1_000_000  # A larger file cannot be written by hand.


class SettingsUnwritable(Exception):
    """The file cannot be read or replaced; the text is a sentence for its owner."""


def settings_file(environment: Mapping[str, str]) -> Path:
    """Return the path at which `bal` reads its settings."""
    folder = environment.get("BALLERINA_HOME_DIR")
    return (Path(folder) if folder else Path.home() / ".ballerina") / SETTINGS_FILE_NAME


def read(file: Path) -> str | None:
    """Return the settings unchanged, with their line ends; None if the file does not exist."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unwritable("read", file, error) from None
    if len(content) > LARGEST_FILE_BYTES:
        message = "It is far too large for settings. Move it away, and log in again."
        raise SettingsUnmergeable(message)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        message = "It is not UTF-8. Save it as UTF-8, and log in again."
        raise SettingsUnmergeable(message) from None


def replace(file: Path, text: str, stamp: str) -> Path | None:
    """Replace the settings atomically, readable by their owner only.

    Returns the backup of the previous file, named by the time `stamp`; None if there was none. A
    link is preserved, and its target replaced.
    """
    target = Path(os.path.realpath(file))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        backup = _back_up(target, stamp)
        _write(target, text)
    except OSError as error:
        raise _unwritable("written", file, error) from None
    return backup


def _back_up(target: Path, stamp: str) -> Path | None:
    try:
        content = target.read_bytes()
    except FileNotFoundError:
        return None
    backup = target.with_name(f"{target.name}.{stamp}.bak")
    number = 1
    while True:
        try:
            descriptor = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        except FileExistsError:
            number += 1
            backup = target.with_name(f"{target.name}.{stamp}-{number}.bak")
        else:
            break
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    return backup


def _write(target: Path, text: str) -> None:
    # A new name, so that nobody can have created the file before, in the same folder, so that
    # renaming is atomic. The file is readable by its owner only from the first moment.
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, target)  # noqa: PTH105 - the name is a text here.
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - the same.
        raise


def _unwritable(verb: str, file: Path, error: OSError) -> SettingsUnwritable:
    reason = (error.strerror or "it failed").lower()
    return SettingsUnwritable(
        f"{file} cannot be {verb}: {reason}. Mend that, or name another folder by "
        "BALLERINA_HOME_DIR, and log in again."
    )
