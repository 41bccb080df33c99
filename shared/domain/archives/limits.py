"""The limits of an archive: how large it may be, how much may be in it, and what must be."""

from enum import Enum

from msgspec import Struct

from shared.domain.errors.packages import archive_too_large

KIB = 1024
MIB = 1024 * KIB


class Documentation(Enum):
    """Whether a bala of the Java layouts must document its package."""

    REQUIRED = "required"
    OPTIONAL = "optional"


class ArchiveLimits(Struct, frozen=True, kw_only=True):
    """Limits for one archive.

    The size of the archive itself is checked first, that of an upload by the length of its request.
    Sizes and ratios are checked in the headers, for each entry and for all together; unpacking
    stops at an entry that is larger than its header says.
    """

    archive_bytes: int = 64 * MIB  # As it is sent; the setting `max_archive_bytes`.
    entries: int = 20_000  # The largest real balas have a few hundred.
    unpacked_bytes: int = 512 * MIB  # Acceptable on a client's disk for one package.
    ratio: int = 200  # Unpacked to packed; sources and jars pack ten to one, bombs a thousand.
    ratio_from_bytes: int = 1 * MIB  # Below this a high ratio is a file of blanks, not a bomb.
    archive_ratio_from_bytes: int = 16 * MIB  # The same for all entries together: a few such files.
    manifest_bytes: int = 1 * MIB  # Each manifest; a graph of 500 packages has 100 KiB.
    text_bytes: int = 1 * MIB  # Each documentation text; a browser shows no more.
    texts_bytes: int = 8 * MIB  # All documentation texts together: one stored document.
    record_bytes: int = 12 * KIB  # What lists and searches hold; a stored release has 17 KiB.
    documentation: Documentation = Documentation.REQUIRED

    def require_archive_size(self, size_bytes: int) -> None:
        """Raise `archive-too-large` for a larger archive."""
        if size_bytes > self.archive_bytes:
            raise archive_too_large(size_bytes, self.archive_bytes)


DEFAULT_LIMITS = ArchiveLimits()
