"""Who may see a package, and who may read anything."""

from enum import Enum


class Visibility(Enum):
    """Who may see a package.

    Internal are packages of ours that are for staff, and mirrored ones that an upstream gives for
    its token alone.
    """

    PUBLIC = "public"
    PRIVATE = "private"  # Members of its organization.
    # Staff, every token that may read, and for packages of this registry members as well.
    INTERNAL = "internal"

    def is_narrower_than(self, other: "Visibility") -> bool:
        """Whether fewer may see a package of this visibility."""
        order = (Visibility.PUBLIC, Visibility.INTERNAL, Visibility.PRIVATE)
        return order.index(self) > order.index(other)

    @property
    def shown_to_clients(self) -> str:
        """The word for clients, which know only public and private."""
        return "public" if self is Visibility.PUBLIC else "private"


class Readers(Enum):
    """Whom the registry lets read: everybody, or only who sends credentials."""

    EVERYBODY = "everybody"
    SIGNED_IN = "signed_in"


EVERYBODY = ""  # The readers of public packages.
STAFF = "*"  # The readers of internal packages; no organization has this name.
