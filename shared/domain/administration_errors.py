"""Refusals of what only administrators do.

Invalid
└── ReasonMissing · PatternUnreadable · NotMeant
NotFound
└── ReservedNameNotFound
Conflict
└── LastAdministrator · ReservedAlready · ReservedNamesFull
"""

from shared.domain.errors import Conflict, Invalid, NotFound


class ReasonMissing(Invalid):
    """Something is done to others, and nobody would know later why."""

    def __init__(self, what: str) -> None:
        """Name what takes a reason."""
        super().__init__(f"Say why, in a line: {what} is looked up by others later.")


class PatternUnreadable(Invalid):
    """A pattern can match no name."""

    def __init__(self, pattern: str) -> None:
        """Say what patterns are made of."""
        super().__init__(
            f"{pattern[:80]!r} is no pattern of names. Use letters, digits and underscores, with * "
            "for any number of them and ? for one, and at least one letter or digit."
        )


class NotMeant(Invalid):
    """What cannot be taken back was asked for without typing the name of what it is about."""

    def __init__(self, name: str) -> None:
        """Say what to type."""
        super().__init__(f"To show that you mean it, type the name, {name}, as it is written here.")


class ReservedNameNotFound(NotFound):
    """Nobody has kept this pattern back, or somebody has given it free."""

    def __init__(self, pattern: str) -> None:
        """Name what was looked for, and what cannot be given free here."""
        super().__init__(
            f"{pattern[:80]!r} is not among the patterns that administrators keep back. Those of "
            "the setting BALLROOM_RESERVED_NAMES, and ballerina*, are not changed here."
        )


class LastAdministrator(Conflict):
    """Without this account nobody would administer the registry any more."""

    def __init__(self, name: str) -> None:
        """Name it, and say what to do first."""
        super().__init__(
            f"{name} is the only administrator who can sign in. Make somebody else one first."
        )


class ReservedAlready(Conflict):
    """A pattern is kept back already."""

    def __init__(self, pattern: str) -> None:
        """Name it, and say how it is changed."""
        super().__init__(
            f"{pattern} is kept back already. Give it free first to change its reason."
        )


class ReservedNamesFull(Conflict):
    """So many patterns are kept back that no further one fits."""

    def __init__(self, limit: int) -> None:
        """Say how many fit, and what helps."""
        super().__init__(
            f"There are {limit} patterns, which is the most there may be: each founding reads all "
            "of them. Replace several by one with *."
        )
