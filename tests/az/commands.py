"""The commands of `az` and `azd` that scripts, workflows, hooks and pages give."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

TOOLS = ("az", "azd")
PLACEHOLDER = "0"  # Stands for what a shell would fill in; a number is a text and a number.

_END = re.compile(r"\|\|?|&&?|;|\n|[()]|<<?-?|(?:(?<=\s)\d)?>>?")
_NAME = re.compile(r"\$(?:\w+|[#?@*]|\{[^}]*\})")
_REDIRECTION = re.compile(r"\s*&?[^\s|;&)]*")


@dataclass(frozen=True)
class Command:
    """One command, and where it stands."""

    place: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as it could be typed."""
        return f"{self.place}: {' '.join(self.words)}"


def written() -> Iterator[Command]:
    """Yield every command of both tools."""
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        for text in scripts_of(path):
            for words in commands_in(text):
                yield Command(name, words)


def sources() -> list[Path]:
    """Return the files that give commands."""
    folders = ("infra/*.sh", "infra/*.py", ".github/workflows/*.yml", "docs/**/*.md", ".ci/*")
    found = [path for pattern in folders for path in ROOT.glob(pattern) if path.is_file()]
    return sorted([*found, ROOT / "azure.yaml", ROOT / "README.md"])


def scripts_of(path: Path) -> Iterator[str]:
    """Yield what a shell would read of a file."""
    text = path.read_text("utf-8")
    match path.suffix:
        case ".md":
            fence = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
            yield from (body for language, body in fence.findall(text) if language == "sh")
            # In a sentence, the name of a command alone is none.
            inline = re.findall(r"`([^`\n]+)`", fence.sub("", text))
            yield from (each for each in inline if re.search(r"\baz .* --|\bazd ", each))
        case ".yml" | ".yaml":
            yield from _steps_of(text)
        case ".py":
            # A constant that is a command, on one line or on several.
            texts = re.findall(r"(?:^| )\(?\s*((?:\"az [^\"\n]+\"\s*)(?:\"[^\"\n]+\"\s*)*)", text)
            yield from ("".join(re.findall(r'"([^"]*)"', each)) for each in texts)
        case _:
            yield text


def _steps_of(text: str) -> Iterator[str]:
    yield from re.findall(r"^ +(?:- )?run: ([^|>\n].*)$", text, re.MULTILINE)
    blocks = re.compile(r"^( +)(?:- )?run: [|>]-?\n((?:\1 .*\n|\n)+)", re.MULTILINE)
    yield from (found[2] for found in blocks.finditer(f"{text}\n"))


def commands_in(script: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command of the tools in a script, however deep it stands."""
    for words in Reader(_without_comments(script)).commands():
        tool = next((at for at, word in enumerate(words) if word in TOOLS), None)
        if tool is not None:
            # What `xargs` reads becomes the last word.
            yield (*words[tool:], *((PLACEHOLDER,) if "xargs" in words[:tool] else ()))


def _without_comments(script: str) -> str:
    joined = re.sub(r"\\\n\s*", " ", script)
    without = re.sub(r"^\s*#.*$|(?<=\s)#\s.*$", "", joined, flags=re.MULTILINE)
    # What is handed to a command as its input is no command.
    return re.sub(r"<<-?'?(\w+)'?(.*)\n(?:.*\n)*?\s*\1$", r"\2", without, flags=re.MULTILINE)


class Reader:
    """Splits a script into simple commands; those in `$(...)` come before what they stand in."""

    def __init__(self, script: str) -> None:
        """Begin at its beginning."""
        self._text = script
        self._at = 0
        self._found: list[list[str]] = []

    def commands(self) -> list[list[str]]:
        """Return the words of each simple command."""
        while self._at < len(self._text):
            self._read_command()
        return self._found

    def _read_command(self) -> bool:
        """Read one command; return whether it was the last of its `$(...)`."""
        words: list[str] = []
        while self._at < len(self._text):
            if end := _END.match(self._text, self._at):
                self._at = end.end()
                if end[0][-1] in "<>-":
                    self._skip_target()
                    continue
                self._found.append(words)
                return end[0] == ")"
            if self._text[self._at].isspace():
                self._at += 1
                continue
            words.append(self._word())
        self._found.append(words)
        return True

    def _skip_target(self) -> None:
        found = _REDIRECTION.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _word(self) -> str:
        parts: list[str] = []
        while self._at < len(self._text) and not self._ends_word():
            parts.append(self._part())
        return "".join(parts)

    def _ends_word(self) -> bool:
        return self._text[self._at].isspace() or _END.match(self._text, self._at) is not None

    def _part(self) -> str:
        sign = self._text[self._at]
        if sign == "'":
            end = self._text.find("'", self._at + 1)
            start = self._at + 1
            self._at = (end if end >= 0 else len(self._text)) + 1
            return self._text[start : self._at - 1]
        if sign == '"':
            self._at += 1
            return self._quoted()
        return self._plain()

    def _quoted(self) -> str:
        parts: list[str] = []
        while self._at < len(self._text) and self._text[self._at] != '"':
            parts.append(self._plain())
        self._at += 1
        return "".join(parts)

    def _plain(self) -> str:
        """Read a sign, or what begins with it and is filled in by the shell."""
        if self._text.startswith("$(", self._at):
            self._at += 2
            while not self._read_command():
                pass
            return PLACEHOLDER
        if name := _NAME.match(self._text, self._at):
            self._at = name.end()
            return PLACEHOLDER
        self._at += 1
        if self._text[self._at - 1] == "\\" and self._at < len(self._text):
            self._at += 1
        return self._text[self._at - 1]
