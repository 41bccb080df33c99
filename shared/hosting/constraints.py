"""Inline constraints of route parameters, `{id:int}`, as ASP.NET routing checks them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.hosting.errors import UnknownConstraint

Check = Callable[[str], bool]

_INT32 = range(-(2**31), 2**31)
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,10}\s*")
_DASHED = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_GUID = re.compile(rf"[0-9a-f]{{32}}|{_DASHED}|\{{{_DASHED}\}}|\({_DASHED}\)", re.I)
_ALPHA = re.compile(r"[a-z]*", re.I)

# No value satisfies both kinds, whatever their arguments. A guid may be letters alone.
_EXCLUSIVE = frozenset(
    map(frozenset, [("int", "alpha"), ("int", "bool"), ("int", "guid"), ("bool", "guid")])
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """One condition on the value of a parameter."""

    kind: str
    argument: str
    accepts: Check = field(compare=False, repr=False)

    def excludes(self, other: "Constraint") -> bool:
        """Tell whether no value can satisfy both; a doubt counts as no."""
        return frozenset((self.kind, other.kind)) in _EXCLUSIVE

    @property
    def prefix(self) -> str:
        """Return text, in lower case, that every accepted value begins with, as far as known."""
        return _literal_start(self.argument) if self.kind == "regex" else ""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return expressions for whole values that are not accepted, as far as known."""
        found = _LEFT_OUT.match(self.argument) if self.kind == "regex" else None
        return tuple(found[1].split("|")) if found else ()


def constraint(kind: str, argument: str) -> Constraint:
    """Read one constraint; raise `UnknownConstraint` for a kind that is none."""
    make = _MAKERS.get(kind.lower())
    if make is None:
        raise UnknownConstraint(kind, _MAKERS)
    return Constraint(kind.lower(), argument, make(argument))


def _is_int32(value: str) -> bool:
    return bool(_INTEGER.fullmatch(value)) and int(value) in _INT32


def _of_length(argument: str) -> Check:
    least, _, most = argument.partition(",")
    lengths = range(int(least), int(most or least) + 1)
    return lambda value: len(value) in lengths


def _matching(pattern: str) -> Check:
    # The real host searches, without case: an expression that must hold for all says ^ and $.
    # It folds ASCII and the Kelvin sign; Python would fold a long s as well.
    search = re.compile(pattern, re.I | re.A).search
    return lambda value: search(value.replace("\N{KELVIN SIGN}", "k")) is not None


_MAKERS: dict[str, Callable[[str], Check]] = {
    "int": lambda _: _is_int32,
    "bool": lambda _: lambda value: value.strip().lower() in ("true", "false"),
    "guid": lambda _: lambda value: _GUID.fullmatch(value.strip()) is not None,
    "alpha": lambda _: lambda value: _ALPHA.fullmatch(value) is not None,
    "length": _of_length,
    "minlength": lambda least: lambda value: len(value) >= int(least),
    "maxlength": lambda most: lambda value: len(value) <= int(most),
    "regex": _matching,
}


# It begins by saying what it does not match, each in the terms of paths: no group but the last part
# of one, which stands for everything below; a dot would leave out the end of a line.
BELOW = r"(/[\s\S]*)?"
_LEFT_OUT = re.compile(rf"\^\(\?!\(((?:[^()]|{re.escape(BELOW)})*)\)/\?\$\)")
_PLAIN_START = re.compile(r"\^((?:[A-Za-z0-9_/-]|\\[./-])*)([*?{]?)")


def _literal_start(pattern: str) -> str:
    found = _PLAIN_START.match(pattern)
    if found is None or "|" in pattern:
        return ""
    plain = found[1].replace("\\", "").lower()
    # A quantifier that allows none takes the last character back.
    return plain[:-1] if found[2] else plain
