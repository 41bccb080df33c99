"""How the command `ballroom` is spelled on this installation.

Messages, help texts and documents have the bare word, such as `ballroom doctor`, and `respelled`
writes the words of an installation in its place.
"""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]  # The clone, or the folder `app` of the installed package.
NAME = "ballroom"
IN_CLONE = f".venv/bin/{NAME}"  # Where `make run` puts it.

# The first word after `ballroom`.
COMMANDS = (
    "account",
    "advisory",
    "apply",
    "approvals",
    "audit",
    "backup",
    "bundle",
    "completion",
    "directory-locks",
    "dispute",
    "doctor",
    "drill",
    "evidence",
    "export",
    "groups",
    "health",
    "index",
    "keys",
    "log",
    "login",
    "names",
    "org",
    "outdated",
    "package",
    "publish",
    "publisher",
    "read-only",
    "report",
    "restore",
    "revocations",
    "rights",
    "rules",
    "scim",
    "serve",
    "signin-link",
    "snapshot",
    "token",
    "upkeep",
    "upstream",
    "webhook",
)

# Words before it that are a path or the name of a container belong to another command.
_WRITTEN = re.compile(
    rf"(?<![\w./:@=-])(?:{re.escape(IN_CLONE)}|{NAME})(?=\s+(?:{'|'.join(COMMANDS)})\b)"
)


def launcher(started: str = "") -> str:
    """Return the words that start the program from any folder, for a shell.

    `started` is the script that runs; without it, or if it is a module, the script beside the
    interpreter is named, and where there is none, the interpreter with the module.
    """
    if started and not started.endswith(".py"):
        return shlex.quote(str(Path(started).absolute()))
    script = Path(sys.executable).with_name(NAME)
    if script.is_file():
        return shlex.quote(str(script))
    module = Path(started).absolute() if started else ROOT / "packaging" / NAME / "__main__.py"
    return shlex.join([sys.executable, str(module)])


def public_spelling(launched: str) -> str:
    """Return the words as public pages show them: of folders only those in a clone."""
    file = Path(shlex.split(launched)[-1]) if launched else ROOT / IN_CLONE
    if file.is_relative_to(ROOT):
        return IN_CLONE
    return NAME if file.suffix == ".py" else file.name


def typed_spelling() -> str:
    """Return the words that start the program in the current folder of this terminal."""
    if command := os.environ.get("BALLROOM_COMMAND"):
        return command
    words = os.environ.get("BALLROOM_LAUNCHER") or launcher()
    file = Path(shlex.split(words)[-1])
    if file.suffix == ".py":
        return words
    found = shutil.which(file.name)
    if found and Path(found).resolve() == file.resolve():
        return file.name
    folder = Path.cwd()
    if folder == Path(folder.anchor) or not file.is_relative_to(folder):
        return words
    near = file.relative_to(folder)
    return shlex.quote(str(near) if near.name != str(near) else f"./{near}")


def respelled(text: str, words: str) -> str:
    """Replace the program of each command in a text by the words of an installation."""
    return _WRITTEN.sub(lambda _: words, text)
