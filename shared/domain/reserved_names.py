"""Names that nobody may found, as administrators keep them back."""

import hashlib
import re
from typing import ClassVar

from shared.domain.administration_errors import PatternUnreadable
from shared.domain.entity import Entity, Place
from shared.domain.names import MAX_PACKAGE_LENGTH

RESERVED_NAMES = "reserved-names"  # Whose they are: all are read at once, by each founding.
MOST_PATTERNS = 500  # Each is compared with what is founded, in three readings.

# Kept back in every registry: paths and hosts of a registry, and names whose bearer seems to speak
# for it. Administrators may found such an organization, and the operator names accounts so.
_WORDS = """
about abuse account accounts admin administrator administrators api archive archives assets auth
badge badges ballroom blog central contact device devices docs documentation download downloads
feed feeds file files health help home host icons index internal invitations legal localhost
login logout mail manage maven metrics moderator null oci official operator org organization
organizations orgs owner owners package packages policy postmaster press privacy public publish
registry root search security settings signin signout signup site sitemap staff static status
support sysadmin system terms token tokens undefined upkeep v1 v2 v3 verified webmaster
wellknown wso2 www
"""
RESERVED_WORDS = frozenset(_WORDS.split())

_PATTERN = re.compile(r"[A-Za-z0-9_*?]+")
_ID_DIGITS = 20  # 80 bits tell patterns apart; a pattern itself may hold what no key may.


class ReservedName(Entity):
    """A pattern of names that nobody may found; `*` and `?` stand for other letters."""

    kind: ClassVar[str] = "reserved-name"

    pattern: str
    reason: str
    by: str
    since_ms: int

    @property
    def id(self) -> str:
        """Return what its pattern is known by in keys and addresses."""
        return id_of(self.pattern)

    @property
    def place(self) -> Place:
        """Return its place among all others."""
        return place_of_pattern(self.pattern)


def id_of(pattern: str) -> str:
    """Return what a pattern is known by, in any spelling."""
    return hashlib.sha256(pattern.lower().encode()).hexdigest()[:_ID_DIGITS]


def place_of_pattern(pattern: str) -> Place:
    """Return where a pattern is written, in any spelling."""
    return Place(RESERVED_NAMES, id_of(pattern))


def parse_pattern(text: str) -> str:
    """Return `text` as a pattern of names, or raise `PatternUnreadable`."""
    pattern = text.strip()
    fits = _PATTERN.fullmatch(pattern) and len(pattern) <= MAX_PACKAGE_LENGTH
    # One without a letter would keep back nearly everything, and is a slip of the hand.
    if not fits or not any(character.isalnum() for character in pattern):
        raise PatternUnreadable(text)
    return pattern
