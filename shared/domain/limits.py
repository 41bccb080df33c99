"""How much of an archive is read: every limit that an operator may set, with its reason."""

from dataclasses import dataclass
from enum import Enum

KIB = 1024
MIB = 1024 * KIB


class Documentation(Enum):
    """Whether a bala of the Java layouts must document its package."""

    REQUIRED = "required"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """What one archive may hold.

    Sizes and ratios are checked in the headers, of each entry and of all together; unpacking stops
    at an entry that is larger than its header says.
    """

    entries: int = 20_000  # The largest real balas have a few hundred.
    unpacked_bytes: int = 512 * MIB  # What a client's disk takes for one package without asking.
    ratio: int = 200  # Unpacked to packed; sources and jars pack ten to one, bombs a thousand.
    ratio_from_bytes: int = 1 * MIB  # Below this a high ratio is a file of blanks, not a bomb.
    archive_ratio_from_bytes: int = 16 * MIB  # The same for all entries together: a few such files.
    manifest_bytes: int = 1 * MIB  # Each manifest; a graph of 500 packages has 100 KiB.
    text_bytes: int = 1 * MIB  # Each documentation text; a browser shows no more.
    texts_bytes: int = 8 * MIB  # All documentation texts together: one stored document.
    record_bytes: int = 12 * KIB  # What lists and searches hold; a stored release has 16 KiB.
    documentation: Documentation = Documentation.REQUIRED


DEFAULT_LIMITS = ArchiveLimits()
