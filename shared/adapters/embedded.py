"""Every port of a registry on one machine, over one folder."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.adapters.filesystem import FileArchives
from shared.adapters.paths import DataFolder
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.directory import SqliteDirectory
from shared.adapters.sqlite.documents import SqliteDocuments
from shared.adapters.sqlite.events import SqliteEvents
from shared.adapters.sqlite.metadata import SqliteMetadata
from shared.adapters.sqlite.migrations import MIGRATIONS
from shared.adapters.sqlite.pulls import SqlitePulls
from shared.adapters.sqlite.work import SqliteWork
from shared.ports import Clock

LONGEST_WRITE = timedelta(days=1)  # What is older was left by a process that was killed.
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Embedded:
    """The stores of one data folder."""

    clock: Clock
    database: Database
    metadata: SqliteMetadata
    documents: SqliteDocuments
    archives: FileArchives
    directory: SqliteDirectory
    events: SqliteEvents
    work: SqliteWork
    pulls: SqlitePulls

    def migrate(self) -> None:
        """Create the stores or bring them up to date; for the process that starts the others."""
        self.database.migrate()
        self.archives.sweep_temporary(self.clock.now_ms() - LONGEST_WRITE // _MS)

    def close(self) -> None:
        """Close every file; the next use opens them again."""
        self.database.close()


def open_embedded(data: Path, clock: Clock) -> Embedded:
    """Return the stores of the folder; nothing is opened before it is used."""
    folder = DataFolder(data)
    database = Database(folder.database, MIGRATIONS)
    return Embedded(
        clock=clock,
        database=database,
        metadata=SqliteMetadata(database),
        documents=SqliteDocuments(database),
        archives=FileArchives(folder.archives, clock),
        directory=SqliteDirectory(database),
        events=SqliteEvents(database),
        work=SqliteWork(database),
        pulls=SqlitePulls(database),
    )
