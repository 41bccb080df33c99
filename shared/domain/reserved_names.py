"""Reserved names: words and patterns that nobody may use, nor a name that looks like one."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import ClassVar

from shared.domain.errors.identity import PatternUnreadable
from shared.domain.names import MAX_PACKAGE_LENGTH
from shared.domain.records import Entity, Place

# From the confusables of UTS 39: lower-case letters that common fonts draw like a Latin one.
_DRAWN_LIKE = {
    "a": "\u0430\u03b1\u0251",
    "b": "\u0432\u03b2",
    "c": "\u0441\u03f2",
    "d": "\u0501",
    "e": "\u0435\u03b5",
    "g": "\u0261\u0581",
    "h": "\u043d\u04bb\u0570",
    "i": "\u0456\u03b9\u0131\u0269",
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba",
    "l": "\u04cf\u0142",
    "m": "\u043c",
    "n": "\u043f\u03b7\u0578",
    "o": "\u043e\u03bf\u03c3\u0585\u00f8",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "r": "\u0433\u0280",
    "s": "\u0455",
    "t": "\u0442\u03c4",
    "u": "\u03c5\u057d",
    "v": "\u0475\u03bd",
    "w": "\u0461\u051d\u03c9",
    "x": "\u0445\u03c7",
    "y": "\u0443\u04af\u03b3",
}
_LATIN = str.maketrans({other: latin for latin, others in _DRAWN_LIKE.items() for other in others})
_DIGITS = str.maketrans("015", "ols")
_STROKES = str.maketrans("i", "l")
_DOUBLED = re.compile(r"([^\W\d_])\1+")  # Letters alone: team1 and team11 are two teams.


def skeletons(text: str) -> frozenset[str]:
    """Return the skeletons of `text`; none where it has neither letters nor digits."""
    folded = _folded(text)
    if not folded:
        return frozenset()
    return frozenset({f"shape-{_shape(folded)}", f"spelling-{_spelling(folded)}"})


def _folded(text: str) -> str:
    """Return letters and digits without case and accents, as Latin letters where possible."""
    # Twice: case folding can produce characters that decompose further.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    latin = plain.translate(_LATIN)
    return "".join(character for character in latin if character.isalnum())


def _shape(folded: str) -> str:
    lower = folded.lower()
    return lower.replace("rn", "m").replace("vv", "w").translate(_DIGITS).translate(_STROKES)


def _spelling(folded: str) -> str:
    return _DOUBLED.sub(r"\1", folded.lower()).translate(_DIGITS)


RESERVED_NAMES_OWNER = "reserved-names"  # One owner, so that one query reads all.
MAX_RESERVED_NAMES = 500  # Each is compared with a new name three times.

# Kept back in every registry: paths and hosts of a registry, and names whose bearer seems to speak
# for it. Administrators may found such an organization, and the operator names accounts so.
_WORDS = """
about abuse account accounts admin administrator administrators api archive archives assets auth
badge badges ballroom blog central cli_token compare contact dashboard device devices docs
documentation download downloads feed feeds file files health help home host icons index
internal invitations keywords legal localhost log login logout mail manage maven mcp metrics
moderator null oci official operator org organization organizations orgs owner owners package
packages policies policy postmaster press privacy public publish registry root runtime scim
search security settings signin signout signup site sitemap staff static status support symbols
sysadmin system terms token tokens undefined upkeep v1 v2 v3 verified views webmaster wellknown
witness wso2 www
"""
RESERVED_WORDS = frozenset(_WORDS.split())

_PATTERN = re.compile(r"[A-Za-z0-9_*?]+")
_ID_DIGITS = 20  # A hash, because keys cannot hold `*` and `?`.


class ReservedName(Entity):
    """A reserved pattern of names; `*` and `?` are wildcards."""

    kind: ClassVar[str] = "reserved-name"

    pattern: str
    reason: str
    by: str
    since_ms: int

    @property
    def id(self) -> str:
        return reserved_name_id(self.pattern)

    @property
    def place(self) -> Place:
        return reserved_name_place(self.pattern)


def reserved_name_id(pattern: str) -> str:
    """Return the id of a pattern, in any spelling."""
    return hashlib.sha256(pattern.lower().encode()).hexdigest()[:_ID_DIGITS]


def reserved_name_place(pattern: str) -> Place:
    """Return the place of a pattern, in any spelling."""
    return Place(RESERVED_NAMES_OWNER, reserved_name_id(pattern))


def parse_reserved_name(text: str) -> str:
    """Return `text` as a pattern of names, or raise `PatternUnreadable`."""
    pattern = text.strip()
    fits = _PATTERN.fullmatch(pattern) and len(pattern) <= MAX_PACKAGE_LENGTH
    # A pattern without a letter would match nearly everything, so it is a typing error.
    if not fits or not any(character.isalnum() for character in pattern):
        raise PatternUnreadable(text)
    return pattern


RESERVED_PREFIX = "ballerina"  # For the operator: the standard library has such names.
BUILT_IN_PATTERN = f"{RESERVED_PREFIX}*"  # Reserved in every registry, as the words above.


def is_reserved_name(text: str, patterns: Iterable[str]) -> bool:
    """Check whether `text` is reserved for the operator, or looks like such a name.

    Reserved are names that begin with `ballerina`, the reserved words, and the operator's patterns
    (with `*` and `?`).
    """
    folded = _folded(text)
    written = (text.lower(), _shape(folded), _spelling(folded))
    if any(form in words for form, words in zip(written, _WORDS_AS_WRITTEN, strict=True)):
        return True
    return any(
        any(map(fnmatchcase, written, (pattern.lower(), _shape(pattern), _spelling(pattern))))
        for pattern in (BUILT_IN_PATTERN, *patterns)
    )


# The reserved words in lower case, their shapes and their spellings.
_WORDS_AS_WRITTEN = (
    RESERVED_WORDS,
    frozenset(map(_shape, RESERVED_WORDS)),
    frozenset(map(_spelling, RESERVED_WORDS)),
)


def is_owned_by_administrators(org: str) -> bool:
    """Check whether only administrators may own the organization: its name begins as those of the
    standard library do. Other reserved names are given to anybody by administrators."""
    return fnmatchcase(org.lower(), BUILT_IN_PATTERN)
