"""Refusals about the transparency log."""

from datetime import timedelta

from shared.domain.errors.base import Invalid, Unavailable


class ProofRefused(Invalid):
    """A proof, a signature or a hash does not verify."""

    def __init__(self, sentence: str) -> None:
        super().__init__("proof-refused", sentence)


class NoteUnreadable(Invalid):
    """A note, a checkpoint, a policy, a proof, a tile or a key is not in its form."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__("note-unreadable", f"{what} cannot be read: {reason}.")


class LogStopped(Unavailable):
    """Writing on would give the log a second history. The registry serves everything else."""

    retry_after = timedelta(minutes=5)

    def __init__(self, reason: str) -> None:
        super().__init__(
            "log-stopped",
            f"The transparency log takes no new entries: {reason} Its operator mends it with "
            "`ballroom log mend`.",
        )
        self.reason = reason
