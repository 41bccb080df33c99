"""Reserved names: words and patterns that nobody may use, nor a name that looks like one."""

import hashlib
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import ClassVar

from shared.domain.entities import Entity, Place
from shared.domain.errors.identity import PatternUnreadable
from shared.domain.lookalike_names import folded_of, shape_of, spelling_of
from shared.domain.names import MAX_PACKAGE_LENGTH

RESERVED_NAMES_OWNER = "reserved-names"  # One owner, so that one query reads all.
MAX_RESERVED_NAMES = 500  # Each is compared with a new name three times.

# Reserved in every registry: paths and hosts of a registry, and names whose holder seems to speak
# for it. Administrators may create such an organization, and the operator may give accounts such
# names.
_WORDS = """
about abuse account accounts admin administrator administrators advisories api approvals archive
archives assets auth badge badges ballroom blog central cli_token compare contact dashboard device
devices docs documentation download downloads feed feeds file files health help home host icons
index internal invitations keywords legal localhost log login logout logs mail manage maven mcp
metrics moderator null oci official operator org organization organizations orgs owner owners
package packages policies policy postmaster press privacy public publish registry root runtime
scim search security settings signin signout signup site sitemap staff static status support
symbols sysadmin system terms token tokens undefined upkeep v1 v2 v3 verified views webmaster
wellknown witness wso2 www
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
    folded = folded_of(text)
    written = (text.lower(), shape_of(folded), spelling_of(folded))
    if any(form in words for form, words in zip(written, _WORDS_AS_WRITTEN, strict=True)):
        return True
    return any(
        any(map(fnmatchcase, written, (pattern.lower(), shape_of(pattern), spelling_of(pattern))))
        for pattern in (BUILT_IN_PATTERN, *patterns)
    )


# The reserved words in lower case, their shapes and their spellings.
_WORDS_AS_WRITTEN = (
    RESERVED_WORDS,
    frozenset(map(shape_of, RESERVED_WORDS)),
    frozenset(map(spelling_of, RESERVED_WORDS)),
)


def is_owned_by_administrators(org: str) -> bool:
    """Check whether only administrators may own the organization: its name begins as those of the
    standard library do. Other reserved names are given to anybody by administrators."""
    return fnmatchcase(org.lower(), BUILT_IN_PATTERN)
