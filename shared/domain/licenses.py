"""Licenses by their SPDX expressions: how they are read, and which alternatives an expression
leaves to whoever uses a package.

The library is imported with the first expression, since most registries have no rule of licenses.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import product
from typing import Any

from msgspec import Struct

from shared.domain.errors.base import InvalidRequest, printable

NO_LICENSE = "NONE"  # What SPDX says of a package that names no license.
MAX_EXPRESSION_LENGTH = 1_000  # Characters; the longest of SPDX's own examples have about 100.
MAX_ALTERNATIVES = 256  # Alternatives of one expression: each OR within an AND multiplies them.
MAX_LISTED = 200  # Expressions in a list of a rule.
# Parsed expressions in the cache; the packages of a registry have some dozens.
KNOWN_EXPRESSIONS = 1_024

_OWN = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+", re.IGNORECASE)
_LIBRARY_PREFIX = "LicenseRef-"  # Names of the library's own, which SPDX does not have.


class LicenseUnreadable(Exception):
    """A text is no SPDX expression; `str()` says why, as the end of a sentence."""


class License(Struct, frozen=True):
    """A license of an expression, and the exception that comes with it.

    `is_known` if SPDX has it, or if it is a `LicenseRef-` of somebody's own.
    """

    id: str
    exception: str = ""
    is_known: bool = True

    def __str__(self) -> str:
        return f"{self.id} WITH {self.exception}" if self.exception else self.id

    @property
    def key(self) -> str:
        """What two spellings of the license have in common."""
        return str(self).lower()

    @property
    def without_exception(self) -> "License":
        return License(self.id, is_known=self.is_known)


Alternative = frozenset[License]  # All of these licenses hold at the same time.


class LicenseExpression(Struct, frozen=True):
    """An expression as SPDX spells it, and the alternatives of which one has to be chosen."""

    text: str
    alternatives: tuple[Alternative, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """The ids that SPDX does not have."""
        licenses = {each for alternative in self.alternatives for each in alternative}
        return tuple(sorted(str(each) for each in licenses if not each.is_known))


@lru_cache(maxsize=KNOWN_EXPRESSIONS)
def parse_license(text: str) -> LicenseExpression:
    """Read an SPDX expression in any case, or raise `LicenseUnreadable`."""
    if len(text) > MAX_EXPRESSION_LENGTH:
        reason = f"it has more than {MAX_EXPRESSION_LENGTH:,} characters"
        raise LicenseUnreadable(reason)
    if text.strip().upper() == NO_LICENSE:
        return LicenseExpression(NO_LICENSE, (frozenset({License(NO_LICENSE)}),))
    try:
        parsed = _licensing().parse(text, strict=True)
    except (_library().ExpressionError, RecursionError) as error:
        raise LicenseUnreadable(_reason(error)) from None
    if parsed is None:
        reason = "it names no license"
        raise LicenseUnreadable(reason)
    return LicenseExpression(str(parsed), _alternatives(parsed))


def parse_licenses(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the expressions of a rule as SPDX spells them, or raise `InvalidRequest`."""
    lines = [each.strip() for each in texts if each.strip()]
    if len(lines) > MAX_LISTED:
        message = f"A rule names {MAX_LISTED} expressions of licenses at most."
        raise InvalidRequest(message)
    return tuple(dict.fromkeys(map(_listed, lines)))


def _listed(text: str) -> str:
    try:
        expression = parse_license(text)
    except LicenseUnreadable as reason:
        message = (
            f"{printable(text)} is no license of SPDX: {reason}. Write an expression such as "
            "Apache-2.0, or MIT OR BSD-3-Clause."
        )
        raise InvalidRequest(message) from None
    if unknown := expression.unknown:
        message = (
            f"SPDX has no license {printable(unknown[0])}. {_suggestion(unknown[0])}"
            f"A license of your own is written LicenseRef-{_own_name(unknown[0])}."
        )
        raise InvalidRequest(message)
    return expression.text


def _suggestion(unknown: str) -> str:
    """Return which license may be meant, as a sentence with a space behind it."""
    keys: Iterable[str] = _licensing().known_symbols
    by_lower = {each.lower().replace("-", " "): each for each in keys}
    wanted = unknown.lower().replace("-", " ")
    close = get_close_matches(wanted, by_lower, n=1, cutoff=0.7)
    return f"Do you mean {by_lower[close[0]]}? " if close else ""


def _own_name(unknown: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", unknown).strip("-")[:40] or "acme"


@lru_cache(maxsize=1)
def _licensing() -> Any:
    """Return the reader of expressions with the licenses of SPDX alone: the library adds names of
    its own, by which texts of other licenses would count as these."""
    library = _library()
    return library.Licensing(
        library.LicenseSymbol(
            each["spdx_license_key"],
            aliases=_of_spdx(each["other_spdx_license_keys"]),
            is_exception=each["is_exception"],
        )
        for each in library.get_license_index()
        if _of_spdx([each["spdx_license_key"] or _LIBRARY_PREFIX]) and not each["is_deprecated"]
    )


def _library() -> Any:
    """Return the library, which has no types."""
    import license_expression  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

    return license_expression


def _of_spdx(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(each for each in names if not each.startswith(_LIBRARY_PREFIX))


def _alternatives(node: Any) -> tuple[Alternative, ...]:
    """Return the alternatives of a part of an expression; raise `LicenseUnreadable` if they are
    too many."""
    if isinstance(node, _library().OR):
        found = {each for part in node.args for each in _alternatives(part)}
    elif isinstance(node, _library().AND):
        found = {frozenset[License]()}
        for part in node.args:
            found = {one | other for one, other in product(found, _alternatives(part))}
            _require_few(found)
    else:
        found = {frozenset({_license(node)})}
    _require_few(found)
    return tuple(sorted(found, key=lambda each: sorted(map(str, each))))


def _require_few(found: set[Alternative]) -> None:
    if len(found) > MAX_ALTERNATIVES:
        reason = f"it leaves more than {MAX_ALTERNATIVES} alternatives"
        raise LicenseUnreadable(reason)


def _license(node: Any) -> License:
    if isinstance(node, _library().LicenseWithExceptionSymbol):
        id_ = node.license_symbol.key
        exception = node.exception_symbol.key
        return License(id_, exception, is_known=_is_known(id_) and _is_known(exception))
    id_ = str(node)
    return License(id_, is_known=_is_known(id_))


def _is_known(id_: str) -> bool:
    """Check whether SPDX has the license, also as `+`: or any later version of it."""
    return id_.removesuffix("+") in _licensing().known_symbols or bool(_OWN.fullmatch(id_))


def _reason(error: Exception) -> str:
    """Return why the library does not read an expression, in words of ours."""
    if isinstance(error, RecursionError):
        return "its parentheses are too deep"
    message = " ".join(str(error).split())
    lower = message.lower()
    if "parenthes" in lower or "unbalanced" in lower:
        return "its parentheses do not match"
    if "requires two or more" in lower:
        return f"{message.partition(' ')[0]} has a license on one side alone"
    if "exception" in lower and "with" not in lower.partition("exception")[0]:
        return "an exception comes behind WITH and a license"
    return "it cannot be read as an expression of licenses with AND, OR, WITH and parentheses"
