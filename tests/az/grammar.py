"""What `az` and `azd` take, as the tables beside this file have it.

az.json was written by the parser of the Azure CLI (tests/az/check.py), azd.json by hand from what
`azd help` prints. A word that a shell would fill in may be anything.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AZ = Path(__file__).with_name("az.json")
AZD = Path(__file__).with_name("azd.json")

OF_ALL = ""  # The command whose options all others have.
ANY_NUMBER = ("*", "+", "...", "A...")
OPTIONAL = "?"
FORMATS = ("json", "jsonc", "table", "tsv", "none", "yaml", "yamlc")

Options = dict[str, dict[str, Any]]
"""By all names of an option: how many words it takes, whether it is required, its choices."""

AZ_OF_ALL: Options = {
    "--debug": {"words": 0},
    "--help -h": {"words": 0},
    "--only-show-errors": {"words": 0},
    "--output -o": {"words": 1, "choices": list(FORMATS)},
    "--query": {"words": 1},
    "--verbose": {"words": 0},
}


def unreadable(what: str, reason: str) -> ValueError:
    """Return why a command, or an option of it, cannot be read."""
    return ValueError(f"{what} {reason}")


@dataclass(frozen=True)
class Call:
    """A command as its tool reads it: its name, options by their first long name, other words."""

    name: str
    options: Mapping[str, list[str]]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Grammar:
    """The commands of one tool, with the options of each."""

    commands: Mapping[str, Options]

    @classmethod
    def of(cls, table: Path) -> "Grammar":
        """Read a table."""
        commands: dict[str, Options] = json.loads(table.read_text("utf-8"))
        if table == AZ:
            commands[OF_ALL] = AZ_OF_ALL
        return cls(commands)

    def reason(self, words: Sequence[str]) -> str:
        """Return why the tool refuses these words, of which the first is its name; or nothing."""
        try:
            self.read(words)
        except ValueError as refused:
            return str(refused)
        return ""

    def read(self, words: Sequence[str]) -> Call:
        """Read a command; raise ValueError where the tool would refuse it."""
        tool, *rest = words
        name = self._name(rest)
        if name is None:
            raise unreadable(tool, f"has no command {' '.join(_leading(rest))!r}")
        known = {**self.commands[OF_ALL], **self.commands[name]}
        by_name = {each: names for names in known for each in names.split()}
        given: dict[str, list[str]] = {}
        plain: list[str] = []
        left = rest[len(name.split()) :]
        while left:
            word = left.pop(0)
            if not word.startswith("-") or word == "-":
                plain.append(word)
                continue
            option, joined, value = word.partition("=")
            names = by_name.get(option)
            if names is None:
                raise unreadable(tool, f"{name} has no option {option}")
            about = known[names]
            taken = [value] if joined else _taken(left, about["words"])
            if not _is_enough(about["words"], len(taken)):
                raise unreadable(tool, f"{name} {option} lacks a value")
            _require_choice(f"{tool} {name} {option}", taken, about.get("choices"))
            given[_long_name(names)] = given.get(_long_name(names), []) + taken
        self._require(f"{tool} {name}", known, given, plain)
        return Call(name, given, tuple(plain))

    def _name(self, words: list[str]) -> str | None:
        leading = list(_leading(words))
        for length in range(len(leading), 0, -1):
            if (name := " ".join(leading[:length])) in self.commands:
                return name
        return None

    def _require(
        self, what: str, known: Options, given: Mapping[str, list[str]], plain: list[str]
    ) -> None:
        for names, about in known.items():
            if about.get("required") and names and _long_name(names) not in given:
                raise unreadable(what, f"lacks {_long_name(names)}")
        positional = known.get("")
        if plain and not positional:
            raise unreadable(what, f"does not know {plain[0]!r}")
        if positional and not _is_enough(positional["words"], len(plain)):
            raise unreadable(what, f"takes other words than {' '.join(plain)!r}")


def _leading(words: Iterable[str]) -> Iterable[str]:
    for word in words:
        if word.startswith("-"):
            return
        yield word


def _taken(left: list[str], words: int | str) -> list[str]:
    """Take the values of an option from what is left."""
    taken: list[str] = []
    most = words if isinstance(words, int) else 1 if words == OPTIONAL else len(left)
    while left and len(taken) < most and not _is_option(left[0]):
        taken.append(left.pop(0))
    return taken


def _is_option(word: str) -> bool:
    return word.startswith("-") and not word.removeprefix("-").isdigit() and word != "-"


def _is_enough(words: int | str, count: int) -> bool:
    if isinstance(words, int):
        return count == words
    return count >= 1 if words in ("+", "A...") else count <= 1 or words != OPTIONAL


def _require_choice(what: str, taken: list[str], choices: list[str] | None) -> None:
    for value in taken:
        # The Azure CLI compares without case. A number stands for what a shell fills in.
        if choices and value != "0" and value.lower() not in [each.lower() for each in choices]:
            raise unreadable(what, f"is {value!r}, and not one of {', '.join(choices)}")


def _long_name(names: str) -> str:
    """Return the first long name of an option, or its only one."""
    every = names.split()
    return next((each for each in every if each.startswith("--")), every[0])
