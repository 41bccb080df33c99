"""What an answer depends on: the packages that it was made of, and whose private packages."""

from typing import Self

from msgspec import Struct

from shared.domain.packages import Head
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
