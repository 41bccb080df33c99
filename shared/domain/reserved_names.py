"""Reserved names: words and patterns that nobody may use, nor a name that looks like one."""

import hashlib
import re
from collections.abc import Iterable
from typing import ClassVar

from shared.domain.errors.identity import PatternUnreadable
from shared.domain.lookalike_names import look_like, readings
from shared.domain.names import MAX_PACKAGE_LENGTH, RESERVED_PREFIX
from shared.domain.records import Entity, Place

RESERVED_NAMES_OWNER = "reserved-names"  # One owner, so that one query reads all.
MAX_RESERVED_NAMES = 500  # Each is compared with a new name three times.

# Kept back in every registry: paths and hosts of a registry, and names whose bearer seems to speak
# for it. Administrators may found such an organization, and the operator names accounts so.
_WORDS = """
about abuse account accounts admin administrator administrators api archive archives assets auth
badge badges ballroom blog central cli_token contact dashboard device devices docs documentation
download downloads feed feeds file files health help home host icons index internal invitations
keywords legal localhost login logout mail manage maven metrics moderator null oci official
operator org organization organizations orgs owner owners package packages policy postmaster press
privacy public publish registry root runtime scim search security settings signin signout signup
site sitemap staff static status support symbols sysadmin system terms token tokens undefined
upkeep v1 v2 v3 verified views webmaster wellknown wso2 www
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


BUILT_IN_PATTERN = f"{RESERVED_PREFIX}*"  # Reserved in every registry, as the words above.


def is_reserved_name(text: str, patterns: Iterable[str]) -> bool:
    """Check whether `text` is reserved for the operator, or looks like such a name.

    Reserved are names that begin with `ballerina`, the reserved words, and the operator's patterns
    (with `*` and `?`).
    """
    known = readings(text)
    return any(
        look_like(known, pattern) for pattern in (BUILT_IN_PATTERN, *RESERVED_WORDS, *patterns)
    )


def fits_pattern(text: str, pattern: str) -> bool:
    """Check whether `text` matches the pattern, or looks like a name that does."""
    return look_like(readings(text), pattern)
