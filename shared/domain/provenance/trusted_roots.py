"""The trusted root of Sigstore's public good instance, as the registry renews it."""

from collections.abc import Mapping
from typing import ClassVar

from shared.domain.entities import Entity, Place


class PublicGoodRoot(Entity):
    """The trusted root of the public good instance; stored when the first Sigstore bundle came, and
    renewed from then on.

    Until it was renewed once, `root` is empty, which means the one of the library. `metadata` are
    the files of The Update Framework that were verified last, by their names; they tell a newer
    file from an older one that somebody repeats.
    """

    kind: ClassVar[str] = "public-good-root"

    wanted_ms: int
    root: str = ""
    metadata: Mapping[str, str] = {}
    renewed_ms: int | None = None
    failure: str = ""  # Why the last renewal failed; empty if it did not.

    @property
    def place(self) -> Place:
        return PUBLIC_GOOD_ROOT_PLACE


PUBLIC_GOOD_ROOT_PLACE = Place("public-good-root")
