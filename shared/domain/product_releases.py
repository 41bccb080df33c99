"""Releases of Ballroom itself, and which of them are newer than what runs."""

import re

from shared.domain.records import Record

RELEASES_KEPT = 20  # The newest ones.

_VERSION = re.compile(r"(?:^|[:/v])(\d{1,6})\.(\d{1,6})\.(\d{1,6})\Z")

Numbers = tuple[int, int, int]


class FeedUnusable(Exception):
    """The text is no feed of releases; says why, as a part of a sentence."""


class ProductRelease(Record):
    """A release of Ballroom; `page` is an https address or empty."""

    version: str
    page: str = ""
    is_security: bool = False

    @property
    def numbers(self) -> Numbers:
        return version_numbers(self.version) or (0, 0, 0)


class KnownReleases(Record):
    """The releases that a feed listed when it was read last, the newest first, and why it could
    not be read since."""

    feed: str
    read_ms: int = 0  # Zero if it was never read.
    failure: str = ""
    releases: tuple[ProductRelease, ...] = ()

    def newer_than(self, version: str) -> tuple[ProductRelease, ...]:
        """Return the releases with a higher version, the newest first."""
        running = version_numbers(version) or (0, 0, 0)
        return tuple(each for each in self.releases if each.numbers > running)


def version_numbers(text: str) -> Numbers | None:
    """Return the numbers of the version with which a text ends; of a pre-release there are none."""
    found = _VERSION.search(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None
