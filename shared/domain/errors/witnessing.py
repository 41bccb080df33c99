"""Refusals of a witness, which the face maps to the statuses of c2sp.org/tlog-witness."""

from shared.domain.errors.base import Conflict, Forbidden, Invalid, NotFound, printable


class WitnessedSizeDiffers(Conflict):
    """The proof does not begin at the checkpoint that the witness cosigned last; `size` is that of
    this checkpoint."""

    def __init__(self, origin: str, size: int) -> None:
        super().__init__(
            "witnessed-size-differs",
            f"The last checkpoint of {printable(origin)} that this witness cosigned has {size:,} "
            "entries. Send a proof that begins there.",
        )
        self.size = size


class CheckpointInconsistent(Invalid):
    """A signed checkpoint does not continue what the witness cosigned before."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "checkpoint-inconsistent",
            f"This witness does not cosign the checkpoint: {reason} If the log was restored from a "
            "backup, its operator begins a new one.",
        )


def log_not_witnessed(origin: str) -> NotFound:
    return NotFound(
        "log-not-witnessed",
        f"This registry is no witness of the log {printable(origin)}. Its operator adds the key of "
        "the log to BALLROOM_WITNESS_FOR.",
    )


def checkpoint_unsigned(origin: str) -> Forbidden:
    return Forbidden(
        "checkpoint-unsigned",
        f"The checkpoint has no valid signature by a key of {printable(origin)} that this witness "
        "knows. Sign it with a key that is in BALLROOM_WITNESS_FOR.",
    )
