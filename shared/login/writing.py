"""The file Settings.toml: where it is, and how it is replaced without ever being half there."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from shared.login.merging import Unmergeable

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "Settings.toml"
OWNER_ALONE = 0o600  # The file holds a token.
LARGEST_FILE_BYTES = 1_000_000  # Nobody writes that many by hand; it is another file.


class Unwritable(Exception):
    """The file cannot be read or replaced; the text is a sentence for whoever owns it."""


def settings_file(environment: Mapping[str, str]) -> Path:
    """Return where `bal` looks for its settings."""
    folder = environment.get("BALLERINA_HOME_DIR")
    return (Path(folder) if folder else Path.home() / ".ballerina") / NAME


def read(file: Path) -> str | None:
    """Return the settings as they are, with their line ends; None where there are none yet."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unwritable("read", file, error) from None
    if len(content) > LARGEST_FILE_BYTES:
        message = "It is far too large for settings. Move it away, and log in again."
        raise Unmergeable(message)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        message = "It is not UTF-8. Save it as UTF-8, and log in again."
        raise Unmergeable(message) from None


def replace(file: Path, text: str, stamp: str) -> Path | None:
    """Put the settings in place at once, for their owner alone.

    Returns the copy of what was there, named by the time `stamp`; None where nothing was. A link
    stays one: what it leads to is replaced.
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
            descriptor = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE)
        except FileExistsError:
            number += 1
            backup = target.with_name(f"{target.name}.{stamp}-{number}.bak")
        else:
            break
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    return backup


def _write(target: Path, text: str) -> None:
    # A name that nobody can have made before, in the folder where renaming it is one step; the
    # file is its owner's alone from the first moment.
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


def _unwritable(verb: str, file: Path, error: OSError) -> Unwritable:
    reason = (error.strerror or "it failed").lower()
    return Unwritable(
        f"{file} cannot be {verb}: {reason}. Mend that, or name another folder by "
        "BALLERINA_HOME_DIR, and log in again."
    )
