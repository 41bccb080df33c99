"""Refusals about bundles, the files that carry releases to a registry without a network.

Invalid  BundleUnusable · BundleIncomplete · BundlePrivate · BundleKeyUnusable
"""

from typing import TYPE_CHECKING

from shared.domain.errors.base import Declared, Invalid

if TYPE_CHECKING:
    from shared.domain.names import Coordinate

_MOST_NAMED = 5


class BundleUnusable(Declared, Invalid):
    reason: str
    sentence = "The bundle cannot be used: {reason}. Nothing of it was imported."


class BundleIncomplete(Declared, Invalid):
    missing: "tuple[Coordinate, ...]"
    sentence = (
        "{count} releases are not stored here, so no bundle was written: {named}. Fetch them with "
        "`upstream prefetch`, or leave them out."
    )

    @property
    def count(self) -> int:
        return len(self.missing)

    @property
    def named(self) -> str:
        more = len(self.missing) - _MOST_NAMED
        shown = ", ".join(str(each) for each in self.missing[:_MOST_NAMED])
        return f"{shown} and {more:,} more" if more > 0 else shown


class BundlePrivate(Declared, Invalid):
    package: object
    sentence = (
        "{package} is not public, and a bundle is for everybody who gets the file. Leave it out, "
        "or add --private."
    )


class BundleKeyUnusable(Declared, Invalid):
    file: object
    reason: str
    sentence = "The file of keys cannot be used: {file} {reason}."
