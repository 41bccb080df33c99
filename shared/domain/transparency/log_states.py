"""What the registry stores of its log: how far it is written, and what the public has seen."""

from typing import ClassVar, NamedTuple

from shared.domain.entities import Entity, Place
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.merkle_tree import EMPTY_ROOT, TreeHead
from shared.domain.transparency.notes import SignedNote

FIRST_FOLDER = "log"
LATER_LOGS = "logs"  # The path below which the logs after the first one are served.
CHECKPOINT_FILE = "checkpoint"  # Its name below the folder.
_OWNER = "log"

# Why a log is stopped in a registry that was restored on one machine.
RESTORED = (
    "the registry was restored from a backup, and may have published more after it. Put the newest "
    "folder `transparency` that is left in place of the restored one before it is mended."
)


def log_path(folder: str) -> str:
    """Return the path of a log below the address of its registry, with which its origin ends."""
    return folder if folder == FIRST_FOLDER else f"{LATER_LOGS}/{folder}"


class Segment(NamedTuple):
    """From which index on the log has the events from which number on."""

    number: int
    first_index: int


class FormerLog(NamedTuple):
    """A log that was given up, and is served as it was."""

    origin: str
    folder: str
    checkpoint: str  # The last one, signed; empty if there is none.


class LogState(Entity):
    """The log that is being written. The write that changes it commits a batch of entries: the
    checkpoint is signed here before anybody is shown it."""

    kind: ClassVar[str] = "log-state"

    origin: str
    folder: str = FIRST_FOLDER  # The first part of the paths of its files.
    checkpoint: str = ""  # The signed note; empty before the first entry.
    staged: str = ""  # The name of the staged files of the last batch, until they are published.
    segments: tuple[Segment, ...] = (Segment(1, 0),)
    first_entry: str = ""  # The entry before all events, in a log that continues an earlier one.
    stopped: str = ""  # Why the writer stopped; empty while it writes.
    former: tuple[FormerLog, ...] = ()

    @property
    def place(self) -> Place:
        return Place(_OWNER)

    @property
    def head(self) -> TreeHead:
        """The size and the root of the log that is committed."""
        if not self.checkpoint:
            return TreeHead(0, EMPTY_ROOT)
        return Checkpoint.parse(SignedNote.parse(self.checkpoint).text).head

    @property
    def last_number(self) -> int:
        """The number of the last event that is in the log."""
        last = self.segments[-1]
        return last.number + self.head.size - last.first_index - 1 if self.head.size else 0

    def folder_of(self, origin: str) -> str:
        """Return the folder of this log or of one that it follows."""
        former = {each.origin: each.folder for each in self.former}
        return former.get(origin, self.folder)

    def origin_at(self, folder: str) -> str | None:
        """Return the name of the log in a folder; None if there was none."""
        known = {each.folder: each.origin for each in self.former} | {self.folder: self.origin}
        return known.get(folder)

    def number_of(self, index: int) -> int | None:
        """Return the number of the event whose entry is at an index, which may not be written yet;
        None for an entry that has no event, as the first one of a log that follows another one, and
        those of events that a restore lost."""
        before = [each for each in self.segments if each.first_index <= index]
        if not before:
            return None
        number = before[-1].number + index - before[-1].first_index
        later = self.segments[len(before) :]
        return None if later and number >= later[0].number else number

    def index_of(self, number: int) -> int:
        """Return the index of the entry of an event, which may not be written yet."""
        found = max((each for each in self.segments if each.number <= number), key=_number)
        return found.first_index + number - found.number


def _number(segment: Segment) -> int:
    return segment.number


PLACE_OF_STATE = Place(_OWNER)
