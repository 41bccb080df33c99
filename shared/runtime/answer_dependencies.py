"""What an answer depends on: the packages that it was made of, and whose private packages."""

from typing import Self

from msgspec import Struct

from shared.domain.packages import Head, Release
from shared.domain.versions import Range, Version
from shared.domain.visibility import Visibility
from shared.runtime.editions import EVERYTHING


class Dependencies(Struct, frozen=True):
    """The packages an answer was made from, including hidden and missing ones whose change would
    alter it.

    Empty: nothing stored was read. None in place of it: unknown, so the answer is never cached.
    """

    packages: frozenset[str] = frozenset()  # By their keys; `EVERYTHING` for all that is stored.
    # The readers of those packages that are not public, including hidden ones, as in
    # `Head.readers`: callers who are none of them get another answer.
    readers: frozenset[str] = frozenset()
    # Whether the answer is about a package of an upstream, which not every caller may use
    # everywhere.
    is_mirrored: bool = False

    @classmethod
    def of(cls, head: Head) -> Self:
        """Return those of an answer about one package, which its reader sees."""
        is_public = head.visibility is Visibility.PUBLIC
        return cls(
            frozenset((head.key,)),
            frozenset(() if is_public else (head.readers,)),
            bool(head.upstream),
        )

    @classmethod
    def of_list(cls, head: Head) -> Self | None:
        """Return those of a list of the releases of a package. None for a package of an upstream,
        because this registry does not learn of new releases there."""
        return None if head.upstream else cls.of(head)

    @classmethod
    def of_release(cls, head: Head, release: Release, wanted: Version | Range) -> Self | None:
        """Return those of an answer about the release that was found for the wanted version. None
        if an upstream described the release or chose it from a range. A stored release of an
        upstream is treated like one of ours as long as it is fresh.
        """
        is_theirs = release.upstream is not None
        if is_theirs and (isinstance(wanted, Range) or not release.is_stored):
            return None
        return cls.of(head)

    @property
    def is_of_packages(self) -> bool:
        """Whether the answer depends only on these packages."""
        return EVERYTHING not in self.packages

    def __or__(self, other: "Dependencies") -> "Dependencies":
        is_mirrored = self.is_mirrored or other.is_mirrored
        return Dependencies(
            self.packages | other.packages, self.readers | other.readers, is_mirrored
        )


NOTHING_STORED = Dependencies()
ALL_THAT_IS_STORED = Dependencies(frozenset((EVERYTHING,)))
