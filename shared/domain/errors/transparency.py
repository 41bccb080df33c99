"""Refusals about the transparency log."""

from datetime import timedelta

from shared.domain.errors.base import Invalid, NotFound, Unavailable, quoted


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


def log_not_begun() -> NotFound:
    return NotFound(
        "log-not-begun",
        "The transparency log has no checkpoint yet. It is published when everything that happened "
        "before is written down; ask again in some minutes.",
    )


def log_file_missing(path: str) -> NotFound:
    return NotFound(
        "log-file-missing",
        f"The transparency log has no file {quoted(path)}. Ask for those that a tree of the size "
        "in its checkpoint has (c2sp.org/tlog-tiles).",
    )


def log_not_there(folder: str) -> NotFound:
    return NotFound(
        "log-not-there",
        f"There is no log {quoted(folder)} that follows the first one. /log/policy has the address "
        "of the log that is written.",
    )


def release_being_logged(release: object) -> NotFound:
    return NotFound(
        "release-being-logged",
        f"{release} is being logged: there is no proof of it yet. Ask again in some seconds.",
    )
