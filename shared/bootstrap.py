"""The only place that names adapters: which of them keeps which promise, and what else they do."""

import asyncio
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared import log
from shared.adapters.backup import NoRegistry, TargetNotEmpty, backup, restore
from shared.adapters.disk_room import WriteProbe, room_of
from shared.adapters.dns_records import DnsRecords
from shared.adapters.embedded import open_embedded
from shared.adapters.examination import Finding, Schemas, examine
from shared.adapters.fetching import GuardedFetcher
from shared.adapters.index_tree import FolderUnwritable, IndexTree, NotAnIndex, index_tree
from shared.adapters.key_vault import KeyVault, log_trouble
from shared.adapters.later import Later
from shared.adapters.locking import locked
from shared.adapters.mail.azure import AzureMailer
from shared.adapters.mail.console import ConsoleMailer
from shared.adapters.mail.smtp import Encryption, SmtpMailer, SmtpServer
from shared.adapters.observing import observed
from shared.adapters.paths import DataFolder, lock_of
from shared.adapters.snapshot_folder import SnapshotFolder
from shared.adapters.sqlite.failures import Missing, Unusable
from shared.adapters.sqlite.migrations import MIGRATIONS
from shared.adapters.sqlite.search import SqliteSearchIndex
from shared.adapters.sqlite.searching.schema import SEARCH_MIGRATIONS
from shared.adapters.system import SystemClock, SystemRandomness
from shared.auth.keys import KeyFiles, KeyRing, Keys, VaultKeys
from shared.auth.secret import Secret
from shared.composing.whole import compose
from shared.composing.world import World
from shared.domain.mails import parse_email
from shared.domain.snapshots import SnapshotUnusable
from shared.ports import Clock, Edge, Fetcher, Mailer, Randomness
from shared.registry import Registry
from shared.services.restoring import Bytes
from shared.services.shelving import Shelf
from shared.settings import Settings, listed
from shared.telemetry import recording
from shared.telemetry.loading import Loading
from shared.telemetry.recording import Listener

if TYPE_CHECKING:
    from shared.adapters.cloud import Cloud, Connections


class OnlyInAFolder(Exception):
    """What was asked for is about a data folder, and the registry has none."""

    def __init__(self, way_out: str) -> None:
        """Say how the same is done in the cloud."""
        super().__init__(
            "BALLROOM_COSMOS_ENDPOINT is set, so the registry is in the cloud and has no data "
            f"folder. {way_out}"
        )


def migrate(settings: Settings) -> None:
    """Bring the embedded stores up to date; one process at a time, before any other uses them.

    The stores of the cloud are made by the templates.
    """
    if settings.is_in_the_cloud:
        return
    embedded = open_embedded(settings.data, SystemClock())
    embedded.migrate()
    SqliteSearchIndex(DataFolder(settings.data).search).migrate()
    KeyFiles(DataFolder(settings.data).keys, SystemClock(), SystemRandomness()).load()


@contextmanager
def preparing(settings: Settings) -> Generator[None]:
    """Bring the stores up to date, and keep every other process that prepares it waiting."""
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
        snapshots=SnapshotFolder(folder.snapshots),
        fetcher=GuardedFetcher(listed(settings.inside_hosts)),
        mailer=_mailer(settings),
        domain_records=DnsRecords(),
        archive_path=embedded.archives.path,
        close=close,
        edition=embedded.database.edition,
        writable=WriteProbe(folder.root).require_room,
        room=lambda: room_of(settings.data),
    )


def cloud_world(
    settings: Settings, clock: Clock | None = None, connections: "Connections | None" = None
) -> World:
    """Return the world of the cloud: Cosmos DB and Blob Storage, imported with their first use."""
    clock, randomness = clock or SystemClock(), SystemRandomness()
    cloud = Later(lambda: _open_cloud(settings, clock, connections))

    fetcher = GuardedFetcher(listed(settings.inside_hosts))

    async def close() -> None:
        if cloud.opened is not None:
            await cloud.opened.close()

    return World(
        clock=clock,
        randomness=randomness,
        keys=_keys(settings, DataFolder(settings.data), clock, randomness),
        metadata=cloud.part(lambda stores: stores.metadata),
        documents=cloud.part(lambda stores: stores.documents),
        archives=cloud.part(lambda stores: stores.archives),
        directory=cloud.part(lambda stores: stores.directory),
        events=cloud.part(lambda stores: stores.events),
        work=cloud.part(lambda stores: stores.work),
        pulls=cloud.part(lambda stores: stores.pulls),
        search=cloud.part(lambda stores: stores.search.index),
        feed=cloud.part(lambda stores: stores.search.feed),
        changes=cloud.part(lambda stores: stores.changes),
        snapshots=cloud.part(lambda stores: stores.snapshots),
        fetcher=fetcher,
        mailer=_mailer(settings),
        domain_records=DnsRecords(),
        archive_path=None,
        close=close,
        links=cloud.part(lambda stores: stores.archives.links),
        edge=_edge(settings, fetcher),
    )


def build_registry(settings: Settings, world: World | None = None) -> Registry:
    """Return the registry over `world`, by default the one that the settings select."""
    log.configure(settings.log_level)
    if settings.insights_connection and not recording.is_heard():  # Once a process.
        _listen(settings.insights_connection.get_secret_value(), settings.trace_share)
    return compose(settings, observed(world or _selected_world(settings)))


def _listen(connection: str, share: float) -> None:
    """Send traces and metrics to Application Insights, from the first request on."""

    def load() -> Listener:
        from shared.telemetry.exporting import azure_monitor

        return azure_monitor(connection, share)

    recording.listen(Loading(load))


# What stands in an operator's way; `str()` is one sentence for them.
OBSTACLES = (
    Unusable, NoRegistry, TargetNotEmpty, NotAnIndex, FolderUnwritable, OnlyInAFolder,
    SnapshotUnusable,
)  # fmt: skip


def existing_registry(settings: Settings) -> Registry:
    """Return the registry of a data folder that was prepared before, or of the cloud; an obstacle
    otherwise."""
    database = DataFolder(settings.data).database
    if not settings.is_in_the_cloud and not database.exists():
        raise Missing(database)
    return build_registry(settings)


def settings_file(settings: Settings) -> Path:
    """Return where the first start writes the settings of a client."""
    return DataFolder(settings.data).settings


def back_up(settings: Settings, target: Path) -> None:
    """Copy the registry, running or not, to a new folder."""
    _require_folder(settings, "docs/operations.md says how it is backed up.")
    backup(settings.data, target)


def restore_backup(settings: Settings, source: Path) -> None:
    """Copy a backup to the data folder, which is new or empty."""
    _require_folder(settings, "docs/operations.md says how it is restored.")
    restore(source, settings.data)


def examine_data(settings: Settings) -> list[Finding]:
    """Return what is right and wrong with the stores."""
    if settings.is_in_the_cloud:
        return asyncio.run(_examine_cloud(settings))
    return list(examine(settings.data, Schemas(len(MIGRATIONS), len(SEARCH_MIGRATIONS))))


@contextmanager
def other_folder(data: Path) -> Generator[tuple[Shelf, Bytes]]:
    """Lend the snapshots and the archives of another registry, on this machine."""
    clock = SystemClock()
    embedded = open_embedded(data, clock)
    if not DataFolder(data).database.exists():
        raise Missing(DataFolder(data).database)
    try:
        shelf = Shelf(SnapshotFolder(DataFolder(data).snapshots))
        yield shelf, Bytes(embedded.archives, embedded.documents)
    finally:
        embedded.close()


def exported_index(folder: Path) -> AbstractContextManager[IndexTree]:
    """Lend a folder to write the index into; an obstacle if it holds something else."""
    return index_tree(folder)


def rotate_keys(settings: Settings) -> None:
    """Make a new key in the data folder; the processes that start next sign with it."""
    _require_folder(settings, "Its key is in the key vault: infra/keys.sh VAULT rotate.")
    KeyFiles(DataFolder(settings.data).keys, SystemClock(), SystemRandomness()).rotate()


def _selected_world(settings: Settings) -> World:
    return cloud_world(settings) if settings.is_in_the_cloud else embedded_world(settings)


def _open_cloud(
    settings: Settings, clock: Clock, connections: "Connections | None" = None
) -> "Cloud":
    from shared.adapters.cloud import Addresses, Connected, open_cloud

    addresses = Addresses(
        cosmos=settings.cosmos_endpoint,
        blobs=settings.blob_endpoint,
        cosmos_key=_secret(settings.cosmos_key),
        blob_connection=_secret(settings.blob_connection),
    )
    return open_cloud(connections or Connected(addresses), clock, SystemRandomness())


async def _examine_cloud(settings: Settings) -> list[Finding]:
    from shared.adapters.cloud_examination import examine_cloud

    cloud = _open_cloud(settings, SystemClock())
    try:
        return [finding async for finding in examine_cloud(cloud)]
    finally:
        await cloud.close()


def _require_folder(settings: Settings, way_out: str) -> None:
    if settings.is_in_the_cloud:
        raise OnlyInAFolder(way_out)


def _edge(settings: Settings, fetcher: Fetcher) -> Edge | None:
    from shared.adapters.front_door import FrontDoor, app_identity

    endpoint = settings.archive_cdn_resource
    return FrontDoor(endpoint, fetcher, app_identity) if endpoint else None


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


def _keys(settings: Settings, folder: DataFolder, clock: Clock, randomness: Randomness) -> Keys:
    if settings.link_key:
        return KeyRing.of_setting(settings.link_key.get_secret_value())
    if settings.key_vault:
        vault = KeyVault(settings.key_vault, settings.key_secret)
        return VaultKeys(vault.read, clock, log_trouble)
    return KeyFiles(folder.keys, clock, randomness).load()
