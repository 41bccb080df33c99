"""What `ballroom doctor` checked, and what it found."""

from enum import Enum

from msgspec import Struct


class CheckSeverity(Enum):
    """How serious it is if a check finds something wrong."""

    FATAL = "fatal"  # The registry cannot be opened, so nothing in it can be checked.
    PROBLEM = "problem"
    # It needs no action at once: the registry and its backups are whole. It does not change the
    # exit code.
    ADVICE = "advice"
    # Nor does this: a backup runs the command, and has to go on.
    ERROR = "error"


class DoctorCheck(Struct, frozen=True):
    """One thing that was checked; `way_out` is empty when nothing is wrong with it."""

    what: str
    found: str
    way_out: str = ""
    severity: CheckSeverity = CheckSeverity.PROBLEM
