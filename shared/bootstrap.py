"""The only place that names adapters: which of them keeps which promise, and what else they do."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from pydantic import SecretStr

from shared import log
from shared.adapters.backup import NoRegistry, TargetNotEmpty, backup, restore
from shared.adapters.dns_records import DnsRecords
from shared.adapters.embedded import open_embedded
from shared.adapters.examination import Finding, Schemas, examine
from shared.adapters.fetching import GuardedFetcher
from shared.adapters.index_tree import FolderUnwritable, IndexTree, NotAnIndex, index_tree
from shared.adapters.locking import locked
from shared.adapters.mail.azure import AzureMailer
from shared.adapters.mail.console import ConsoleMailer
from shared.adapters.mail.smtp import Encryption, SmtpMailer, SmtpServer
from shared.adapters.paths import DataFolder, lock_of
from shared.adapters.sqlite.failures import Missing, Unusable
from shared.adapters.sqlite.migrations import MIGRATIONS
from shared.adapters.sqlite.search import SqliteSearchIndex
from shared.adapters.sqlite.searching.schema import SEARCH_MIGRATIONS
from shared.adapters.system import SystemClock, SystemRandomness
from shared.auth.keys import KeyFiles, KeyRing
from shared.auth.secret import Secret
from shared.composing.whole import compose
from shared.composing.world import World
from shared.domain.mails import parse_email
from shared.ports import Clock, Mailer, Randomness
from shared.registry import Registry
from shared.settings import Settings, listed


def migrate(settings: Settings) -> None:
    """Bring the embedded stores up to date; one process at a time, before any other uses them."""
    embedded = open_embedded(settings.data, SystemClock())
    embedded.migrate()
    SqliteSearchIndex(DataFolder(settings.data).search).migrate()
    KeyFiles(DataFolder(settings.data).keys, SystemClock(), SystemRandomness()).load()


@contextmanager
def preparing(settings: Settings) -> Generator[None]:
    """Bring the data folder up to date, and keep every other process that prepares it waiting."""
    with locked(lock_of(DataFolder(settings.data).settings)):
        migrate(settings)
        yield


def embedded_world(settings: Settings, clock: Clock | None = None) -> World:
    """Return the world of one machine: SQLite and files below `settings.data`."""
    folder, randomness = DataFolder(settings.data), SystemRandomness()
    clock = clock or SystemClock()
    embedded = open_embedded(settings.data, clock)
    search = SqliteSearchIndex(folder.search)

    async def close() -> None:
        embedded.close()
        search.close()

    return World(
        clock=clock,
        randomness=randomness,
        keys=_keys(settings, folder, clock, randomness),
        metadata=embedded.metadata,
        documents=embedded.documents,
        archives=embedded.archives,
        directory=embedded.directory,
        events=embedded.events,
        work=embedded.work,
        pulls=embedded.pulls,
        search=search,
        fetcher=GuardedFetcher(listed(settings.inside_hosts)),
        mailer=_mailer(settings),
        domain_records=DnsRecords(),
        archive_path=embedded.archives.path,
        close=close,
        edition=embedded.database.edition,
    )


def build_registry(settings: Settings, world: World | None = None) -> Registry:
    """Return the registry over `world`, the embedded one by default."""
    log.configure(settings.log_level)
    return compose(settings, world or embedded_world(settings))


# What stands in an operator's way; `str()` is one sentence for them.
OBSTACLES = (Unusable, NoRegistry, TargetNotEmpty, NotAnIndex, FolderUnwritable)


def existing_registry(settings: Settings) -> Registry:
    """Return the registry of a data folder that was prepared before; an obstacle otherwise."""
    database = DataFolder(settings.data).database
    if not database.exists():
        raise Missing(database)
    return build_registry(settings)


def settings_file(settings: Settings) -> Path:
    """Return where the first start writes the settings of a client."""
    return DataFolder(settings.data).settings


def back_up(settings: Settings, target: Path) -> None:
    """Copy the registry, running or not, to a new folder."""
    backup(settings.data, target)


def restore_backup(settings: Settings, source: Path) -> None:
    """Copy a backup to the data folder, which is new or empty."""
    restore(source, settings.data)


def examine_data(settings: Settings) -> list[Finding]:
    """Return what is right and wrong with the data folder."""
    return list(examine(settings.data, Schemas(len(MIGRATIONS), len(SEARCH_MIGRATIONS))))


def exported_index(folder: Path) -> AbstractContextManager[IndexTree]:
    """Lend a folder to write the index into; an obstacle if it holds something else."""
    return index_tree(folder)


def rotate_keys(settings: Settings) -> None:
    """Make a new key in the data folder; the processes that start next sign with it."""
    KeyFiles(DataFolder(settings.data).keys, SystemClock(), SystemRandomness()).rotate()


def _mailer(settings: Settings) -> Mailer:
    if settings.mail == "smtp":
        server = SmtpServer(
            settings.smtp_host,
            settings.smtp_port,
            Encryption(settings.smtp_encryption),
            settings.smtp_user,
            _secret(settings.smtp_password),
        )
        return SmtpMailer(server, parse_email(settings.mail_from))
    if settings.mail == "azure":
        sender = parse_email(settings.mail_from)
        return AzureMailer(settings.acs_endpoint, sender, _secret(settings.acs_key))
    return ConsoleMailer()


def _secret(setting: SecretStr | None) -> Secret:
    return Secret(setting.get_secret_value() if setting else "")


def _keys(settings: Settings, folder: DataFolder, clock: Clock, randomness: Randomness) -> KeyRing:
    if settings.link_key:
        return KeyRing.of_setting(settings.link_key.get_secret_value())
    return KeyFiles(folder.keys, clock, randomness).load()
