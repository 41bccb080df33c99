#!/usr/bin/python3
"""Run a command with the settings of the service, as its user: `ballroom doctor`."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

PROGRAM = Path("/opt/ballroom")
SETTINGS = Path("/etc/ballroom/ballroom.env")
DATA = "/var/lib/ballroom"
USER = "ballroom"


def main(arguments: list[str]) -> None:
    """Replace this process by the command."""
    os.environ.update(BALLROOM_DATA=DATA, BALLROOM_COMMAND=USER)
    os.environ.update(read_settings(SETTINGS.read_text("utf-8")))
    os.chdir(PROGRAM)
    command = [str(PROGRAM / ".venv/bin/ballroom"), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", USER, "--", *command]
    os.execvp(command[0], command)  # noqa: S606 - no shell, and the name is ours.


def read_settings(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a file as systemd reads them: nothing in it is executed."""
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line[0] in "#;":
            continue
        name, equals, value = line.partition("=")
        if not (equals and name.isidentifier()):
            sys.exit(f"{SETTINGS}, line {number}: write each setting as NAME=value.")
        if line.endswith("\\"):
            sys.exit(f"{SETTINGS}, line {number}: write the value of {name} on one line.")
        yield name, _value(value.strip())


def _value(text: str) -> str:
    """Return a value without its quotes and without the backslashes that only mark signs."""
    quote = text[0] if text and text[0] in "'\"" else ""
    inner = text[1:-1] if quote and len(text) > 1 and text.endswith(quote) else text
    if quote == "'":
        return inner
    marked = '"\\`$' if quote else ""  # Without quotes, a backslash escapes any character.
    signs = iter(inner)
    read = ""
    for sign in signs:
        following = next(signs, "") if sign == "\\" else ""
        keeps = sign != "\\" or (quote and following not in marked)
        read += (sign if keeps else "") + following
    return read


if __name__ == "__main__":
    main(sys.argv[1:])
