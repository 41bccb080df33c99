"""The only module that names adapters: which adapter serves which port."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from msgspec.structs import replace
from pydantic import SecretStr

from shared.adapters.advisory_dumps import DUMP_TIME_LIMIT, MAX_DUMP_BYTES, FetchedAdvisoryDumps
from shared.adapters.azure_services import KeyVault, log_key_problem, recording_age
from shared.adapters.backup import (
    ArchiveChecks,
    KeysOfCopy,
    Report,
    Restored,
    backup,
    end_restore,
    half_restored,
    report_nothing,
    restore,
    unapplied_restore,
    upgrading,
)
from shared.adapters.data_folder import DataFolder, FolderUnusable, lock_path
from shared.adapters.disk_errors import translate_full_disk
from shared.adapters.drill_folders import FoundBackup, find_newest_backup, make_drill_folder
from shared.adapters.embedded import (
    SchemaVersions,
    check_data_folder,
    compare_databases,
    open_embedded,
    require_database,
    require_registry,
)
from shared.adapters.evidence_folder import read_folder, write_folder
from shared.adapters.file_archives import FileArchives
from shared.adapters.file_revocations import read_revocations
from shared.adapters.http_fetcher import GuardedFetcher
from shared.adapters.index_export import open_index_export
from shared.adapters.installed import installed_components, running_versions
from shared.adapters.instrumentation import instrumented
from shared.adapters.mail import (
    AzureMailer,
    ConsoleMailer,
    Encryption,
    SilentMailer,
    SmtpMailer,
    SmtpServer,
)
from shared.adapters.network import Network
from shared.adapters.sampled_archives import SampledArchives
from shared.adapters.serving_processes import (
    ServingProcess,
    require_alone,
    served_address,
    serving,
    serving_alone,
)
from shared.adapters.snapshot_folder import SnapshotFolder
from shared.adapters.sqlite.connections import DatabaseMissing, DatabaseUnusable
from shared.adapters.sqlite.database import MIGRATIONS, Database
from shared.adapters.sqlite.metadata import EmbeddedEdition
from shared.adapters.system import SystemClock, SystemRandomness, WriteProbe, disk_space
from shared.auth.entra import AppIdentity, app_identity
from shared.auth.key_texts import KeyFile, newest_made_ms, text_of_setting
from shared.auth.log_keys import OTHER_LOGS, LogKeys, log_key_file, witness_key_file
from shared.auth.release_keys import ReleaseSigner, release_key_file
from shared.auth.reread_secrets import ReadKeys
from shared.auth.secrets import Secret
from shared.auth.signing_keys import KeyRing, SigningKeyFolder, SigningKeys, VaultKeys
from shared.composition import Registry, create_registry
from shared.confined.access import Restriction
from shared.confined.budget import RELEASE_BUDGET
from shared.confined.child import restrictions_here
from shared.confined.process import ConfinedProcess
from shared.domain.checks import Check, CheckSeverity
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import StorageFull
from shared.domain.mail import parse_email
from shared.domain.mirror_rules import UpstreamAddress
from shared.domain.revocations import Revocation
from shared.domain.scans import MAX_SCAN_ANSWER_BYTES
from shared.domain.snapshots import SnapshotUnusable
from shared.domain.software_version import SOFTWARE_VERSION
from shared.domain.times import MS
from shared.domain.webhooks import Webhook
from shared.ports.advisories import AdvisoryDumps
from shared.ports.archive_delivery import EdgeCache
from shared.ports.archive_store import ArchiveStore
from shared.ports.http_client import HttpClient
from shared.ports.mail import Mailer
from shared.ports.pull_ledger import CallerScope
from shared.ports.system import Clock, Randomness
from shared.ports.upstream import Upstream
from shared.providers import pseudonym_of
from shared.runtime.azure_extra import (
    AZURE_EXTRA,
    AzureExtraMissing,
    missing_stores,
    missing_telemetry,
    telemetry_is_installed,
)
from shared.runtime.private_files import hold_file_lock, replace_private
from shared.services.administration.key_ages import KeyKind
from shared.services.administration.revocations import AppliedRevocations
from shared.services.common import Adapters
from shared.services.maintenance.snapshots import ArchiveSources, StoredSnapshots
from shared.services.record_batches import all_entities
from shared.settings import Settings
from shared.settings.values import split_list
from shared.telemetry import log
from shared.telemetry.activities import is_tracing, set_traces
from shared.telemetry.log_sampling import set_log_share
from shared.telemetry.metrics import MetricsBackend, is_recording, set_backend
from shared.telemetry.startup_buffer import StartupBuffer
from shared.telemetry.traces import TraceExporter, Traces

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.adapters.cloud import AzureClients, CloudStores
    from shared.adapters.search.index import SqliteSearchIndex


class DataFolderRequired(Exception):
    """A command needs a data folder, and the registry is in the cloud."""

    def __init__(self, way_out: str) -> None:
        """Say how the same is done in the cloud."""
        super().__init__(
            "BALLROOM_COSMOS_ENDPOINT is set, so the registry is in the cloud and has no data "
            f"folder. {way_out}"
        )


def migrate(settings: Settings, report: Report = report_nothing) -> None:
    """Migrate the stores of the data folder; one process at a time, before any other uses them.

    If its schema changes, the folder is backed up first, and `report` gets a sentence about each
    step; raises `FolderInUse` if other processes serve it with the schema of before. The templates
    in infra/ create the stores of the cloud.
    """
    if settings.is_in_the_cloud:
        return
    embedded = open_embedded(settings.data, SystemClock())
    if not embedded.database.is_current():
        require_alone(settings.data)
    with upgrading(settings.data, report, keeps_backup=settings.upgrade_backup):
        embedded.migrate()
    _search_index(DataFolder(settings.data)).migrate()
    keys = DataFolder(settings.data).keys
    SigningKeyFolder(keys, SystemClock(), SystemRandomness()).load()
    for each in key_files(keys):
        each.make_missing()
    has_clear_secrets = embedded.has_clear_secrets()
    embedded.close()
    if has_clear_secrets:
        with ThreadPoolExecutor(1) as thread:  # The caller may have an event loop.
            thread.submit(asyncio.run, _encrypt_secrets(settings, report)).result()


async def _encrypt_secrets(settings: Settings, report: Report) -> None:
    """Encrypt the secrets of webhooks that earlier versions stored in clear, and overwrite their
    bytes. What cannot be done now, tasks do later."""
    registry = build_registry(settings)
    began = time.monotonic()
    try:
        webhooks = await all_entities(registry.adapters.directory, Webhook)
        changed = await registry.organizations.webhook_secrets.encrypt_clear(webhooks)
        await registry.adapters.events.overwrite_forgotten()
    except Refusal as failure:
        report(f"Secrets of webhooks stay in clear text until a task encrypts them: {failure}")
    else:
        seconds = time.monotonic() - began
        copies = DataFolder(settings.data).upgrades
        report(
            f"Encrypted the secrets of {changed} webhooks in {seconds:.1f} s. Copies made "
            f"earlier, such as those in {copies}, still contain them in clear text. Delete those "
            "you no longer need, or run `ballroom webhook rotate --all`."
        )
    finally:
        await registry.close()


@contextmanager
def prepared_stores(settings: Settings, report: Report = report_nothing) -> Generator[None]:
    """Migrate the stores; other processes that do the same wait until the context ends.

    Raises `StorageFull` if the disk is full, also for what is done in the context.
    """
    with translate_full_disk(), hold_file_lock(lock_path(DataFolder(settings.data).settings)):
        migrate(settings, report)
        yield


def require_no_other_start(settings: Settings) -> None:
    """Raise `FolderInUse` if another process serves the data folder."""
    if not settings.is_in_the_cloud:
        require_alone(settings.data)


def at_running_address(settings: Settings) -> Settings:
    """Return the settings with the address of the registry that is running over the data folder,
    where these name none: the port of a command need not be that of the service."""
    is_named = settings.model_fields_set & {"url", "port"}
    if is_named or settings.is_in_the_cloud:
        return settings
    address = served_address(settings.data)
    return settings.model_copy(update={"url": address}) if address else settings


def require_whole_folder(settings: Settings) -> None:
    """Raise `DatabaseLost` if the data folder has parts of a registry, and not its records."""
    if not settings.is_in_the_cloud:
        require_registry(settings.data)


def starting(settings: Settings) -> AbstractContextManager[None]:
    """Serve the data folder until the block ends, as the process that migrates it and starts the
    others; raises `FolderInUse` if another one serves it."""
    if settings.is_in_the_cloud:
        return nullcontext()
    what = f"Ballroom {SOFTWARE_VERSION} at {settings.base_url}"
    return serving_alone(settings.data, ServingProcess.this(what, settings.base_url))


def serving_as_worker(settings: Settings) -> AbstractContextManager[None]:
    """Serve the data folder until the block ends, as a process that another one started."""
    if settings.is_in_the_cloud:
        return nullcontext()
    what = f"a worker of Ballroom {SOFTWARE_VERSION} at {settings.base_url}"
    return serving(settings.data, ServingProcess.this(what, settings.base_url, os.getppid()))


def serving_as_application(settings: Settings) -> AbstractContextManager[None]:
    """Serve the data folder until the block ends, as the application of another server."""
    if settings.is_in_the_cloud:
        return nullcontext()
    what = f"an application of Ballroom {SOFTWARE_VERSION} at {settings.base_url}"
    return serving(settings.data, ServingProcess.this(what, settings.base_url))


def is_readable_without_room(settings: Settings) -> bool:
    """Check whether a full disk holds all that is needed to answer reads."""
    if settings.is_in_the_cloud:
        return False
    from shared.adapters.search.rows import SEARCH_MIGRATIONS

    folder = DataFolder(settings.data)
    databases = (Database(folder.database, MIGRATIONS), Database(folder.search, SEARCH_MIGRATIONS))
    try:
        for each in databases:
            each.row("SELECT 1")
            each.close()
    except (DatabaseUnusable, StorageFull):
        return False
    return bool(SigningKeyFolder(folder.keys, SystemClock(), SystemRandomness()).paths())


def prepare_search() -> None:
    """Read what searches need and is the same for every registry; else the first search does."""
    from shared.adapters.search.vocabulary import prepare_vocabulary

    prepare_vocabulary()


def embedded_adapters(settings: Settings, clock: Clock | None = None) -> Adapters:
    """Return the adapters of one machine: SQLite and files below `settings.data`."""
    folder = DataFolder(settings.data)
    randomness = SystemRandomness()
    clock = clock or SystemClock()
    embedded = open_embedded(settings.data, clock)
    search = cache(lambda: _search_index(folder))

    confined = ConfinedProcess(folder.confined, RELEASE_BUDGET)
    network = network_of(settings)
    fetcher = GuardedFetcher(split_list(settings.inside_hosts), network=network)
    scanner = _scanner(settings, network)

    async def close() -> None:
        await confined.close()
        embedded.close()
        if search.cache_info().currsize:
            search().close()

    return Adapters(
        clock=clock,
        randomness=randomness,
        keys=_keys(settings, folder, clock, randomness),
        release_signer=_release_signer(settings, folder, clock),
        log_keys=_log_keys(settings, folder, clock),
        witness_keys=_witness_keys(settings, folder, clock),
        metadata=embedded.metadata,
        documents=embedded.documents,
        archives=embedded.archives,
        directory=embedded.directory,
        events=embedded.events,
        work=embedded.work,
        pulls=embedded.pulls,
        pull_records=embedded.pull_records,
        search=_opened_later(search),
        snapshots=SnapshotFolder(folder.snapshots),
        revocations=embedded.revocations,
        log_files=embedded.log_files,
        advisory_files=embedded.advisory_files,
        advisory_dumps=_advisory_dumps(settings, network),
        fetcher=fetcher,
        scanner=scanner,
        mailer=_mailer(settings, network),
        confined=confined,
        archive_path=embedded.archives.path,
        close=close,
        edition=EmbeddedEdition(embedded.database.data_version, embedded.metadata.changes_since),
        connect_upstream=_upstreams(settings, network, clock, folder.root),
        connect=fetcher.connect,
        connect_scanner=scanner.connect,
        require_disk_space=WriteProbe(folder.root).require_disk_space,
        certificate_made_ms=_certificate_of(settings),
        components=installed_components,
        versions=running_versions,
        disk_space=lambda: disk_space(settings.data),
    )


def cloud_adapters(
    settings: Settings, clock: Clock | None = None, connections: "AzureClients | None" = None
) -> Adapters:
    """Return the adapters of the cloud: Cosmos DB and Blob Storage, imported when first used."""
    clock = clock or SystemClock()
    randomness = SystemRandomness()
    cloud = cache(lambda: _open_cloud(settings, clock, connections))
    confined = ConfinedProcess(Path(tempfile.gettempdir()) / "ballroom", RELEASE_BUDGET)

    async def close() -> None:
        await confined.close()
        if cloud.cache_info().currsize:
            await cloud().close()

    network = network_of(settings)
    fetcher = GuardedFetcher(split_list(settings.inside_hosts), network=network)
    scanner = _scanner(settings, network)
    return Adapters(
        clock=clock,
        randomness=randomness,
        keys=_keys(settings, DataFolder(settings.data), clock, randomness),
        release_signer=_release_signer(settings, DataFolder(settings.data), clock),
        log_keys=_log_keys(settings, DataFolder(settings.data), clock),
        witness_keys=_witness_keys(settings, DataFolder(settings.data), clock),
        metadata=_opened_later(lambda: cloud().metadata),
        documents=_opened_later(lambda: cloud().documents),
        archives=_opened_later(lambda: cloud().archives),
        directory=_opened_later(lambda: cloud().directory),
        events=_opened_later(lambda: cloud().events),
        work=_opened_later(lambda: cloud().work),
        pulls=_opened_later(lambda: cloud().pulls),
        pull_records=_opened_later(lambda: cloud().pull_records),
        search=_opened_later(lambda: cloud().search.index),
        snapshots=_opened_later(lambda: cloud().snapshots),
        revocations=_opened_later(lambda: cloud().revocations),
        log_files=_opened_later(lambda: cloud().log_files),
        advisory_files=_opened_later(lambda: cloud().advisory_files),
        advisory_dumps=_advisory_dumps(settings, network),
        fetcher=fetcher,
        scanner=scanner,
        mailer=_mailer(settings, network),
        confined=confined,
        archive_path=None,
        edition=_opened_later(lambda: cloud().edition),
        close=close,
        copies=_opened_later(lambda: cloud().copies),
        links=_opened_later(lambda: cloud().archives.links),
        feed=_opened_later(lambda: cloud().search.feed),
        connect_upstream=_upstreams(settings, network, clock, Path(tempfile.gettempdir())),
        connect=fetcher.connect,
        connect_scanner=scanner.connect,
        caller_scope=CallerScope.PROCESS,
        edge=_edge(settings, fetcher, network),
        components=installed_components,
        versions=running_versions,
    )


T = TypeVar("T")


class _OpenedLater:
    """Stands for an object that is opened when one of its members is first used."""

    def __init__(self, open_: Callable[[], object]) -> None:
        self._open = open_

    def __getattr__(self, name: str) -> Any:
        return getattr(self._open(), name)


def _opened_later(open_: Callable[[], T]) -> T:
    return cast("T", _OpenedLater(open_))


def build_registry(settings: Settings, adapters: Adapters | None = None) -> Registry:
    """Return the registry over these adapters, by default those that the settings select."""
    log.configure(settings.log_level)
    set_log_share(settings.log_share)
    if settings.insights_connection:
        _export_telemetry(settings, settings.insights_connection.get_secret_value())
    return create_registry(settings, instrumented(adapters or _selected_adapters(settings)))


def _export_telemetry(settings: Settings, connection: str) -> None:
    """Export metrics and traces, once a process, where what exports them is installed."""
    if not telemetry_is_installed():
        return
    if not is_recording():
        _send_telemetry(connection, network_of(settings))
    if settings.trace_share and not is_tracing():
        set_traces(_traces(settings, connection))


def _send_telemetry(connection: str, network: Network) -> None:
    """Send metrics to Application Insights, from the first request on."""

    def load() -> MetricsBackend:
        from shared.adapters.azure_transports import telemetry_transport
        from shared.telemetry.azure_metrics import azure_monitor_backend

        return azure_monitor_backend(connection, telemetry_transport(network))

    set_backend(StartupBuffer(load))


def _traces(settings: Settings, connection: str) -> Traces:
    """Return what sends a share of traces to Application Insights, from the first one on."""
    systems = _CLOUD_SYSTEMS if settings.is_in_the_cloud else _EMBEDDED_SYSTEMS

    def load() -> TraceExporter:
        from shared.adapters.azure_transports import telemetry_transport
        from shared.telemetry.spans import azure_monitor_spans

        return azure_monitor_spans(connection, systems, telemetry_transport(network_of(settings)))

    return Traces(settings.trace_share, load)


# What is behind the stores, as the application map names it; "" stands for all others.
_CLOUD_SYSTEMS = {
    "": "azure.cosmosdb",
    **dict.fromkeys(
        ("archives", "documents", "search", "log_files", "advisory_files"), "azure.blob"
    ),
}
_EMBEDDED_SYSTEMS = {"": "sqlite", "archives": "files", "log_files": "files"}


# Errors that an operator can correct; `str()` is one sentence for them.
START_ERRORS = (
    AzureExtraMissing,
    DatabaseUnusable,
    FolderUnusable,
    DataFolderRequired,
    SnapshotUnusable,
)


def existing_registry(settings: Settings) -> Registry:
    """Return the registry of an existing data folder, or of the cloud; raise `DatabaseMissing`, or
    `DatabaseLost` if other parts of the registry are there."""
    if not settings.is_in_the_cloud:
        require_database(settings.data)
        database = DataFolder(settings.data).database
        if not database.exists():
            raise DatabaseMissing(database)
    return build_registry(settings)


def settings_file(settings: Settings) -> Path:
    """Return where the first start writes the settings of a client."""
    return DataFolder(settings.data.absolute()).settings


def back_up(settings: Settings, target: Path, keys: KeysOfCopy = KeysOfCopy.COPIED) -> None:
    """Copy the registry, running or not, to a new folder."""
    _require_folder(settings, "docs/run/backup.md says how it is backed up.")
    backup(settings.data, target, keys)
    # The disk may be full, or the file belong to another user; the backup itself is complete.
    with suppress(OSError):
        replace_private(settings.backed_up, b"")


def restore_backup(
    settings: Settings,
    source: Path,
    checks: ArchiveChecks = ArchiveChecks.ALL,
    report: Report = report_nothing,
    later: Sequence[Path] = (),
) -> tuple[Restored, AppliedRevocations]:
    """Copy a backup to the data folder, which is new, empty, or has lost its database, and apply
    the lists of revocations that are found, and those of `later`.

    A restore that was killed in between is continued. Raises `FolderInUse` while a process serves
    the folder.
    """
    _require_folder(settings, "docs/run/backup.md says how it is restored.")
    require_alone(settings.data)
    begun = unapplied_restore(settings.data)
    restored = Restored(0)
    if begun is None or begun != source.absolute():
        restored = restore(source, settings.data, checks, report, later)
    applied = AppliedRevocations()
    if read_revocations(DataFolder(settings.data).revocations):
        applied = _apply_revocations(settings)
    end_restore(settings.data)
    return restored, applied


def _apply_revocations(settings: Settings) -> AppliedRevocations:
    """Apply the list of a restored data folder; mails nobody, as of what had its mail before."""
    without_copy = settings.model_copy(update={"upgrade_backup": False})

    async def apply() -> AppliedRevocations:
        adapters = replace(embedded_adapters(without_copy), mailer=SilentMailer())
        registry = build_registry(without_copy, adapters)
        try:
            return await registry.administration.revocations.apply()
        finally:
            await registry.close()

    with prepared_stores(without_copy):
        return asyncio.run(apply())


def lists_of_revocations(files: Sequence[Path], data: Path | None = None) -> list[Revocation]:
    """Return the entries of lists, and of that of another data folder."""
    missing = [each for each in files if not each.is_file()]
    if missing:
        message = f"{missing[0]} is no list of revocations."
        raise FolderUnusable(message)
    others = [DataFolder(data).revocations] if data else []
    return [each for file in (*files, *others) for each in read_revocations(file)]


def refuse_half_restored(settings: Settings) -> None:
    """Raise `FolderUnusable` if a restore to the data folder was killed and not repeated."""
    if not settings.is_in_the_cloud and (left := half_restored(settings.data)):
        message = (
            f"{settings.data} has no registry yet: a restore to it did not end. Run the restore "
            f"again, or delete {left} to begin with an empty registry."
        )
        raise FolderUnusable(message)
    if not settings.is_in_the_cloud and (backup_of := unapplied_restore(settings.data)):
        message = (
            f"A restore of {backup_of} to {settings.data} did not end: what was removed, locked "
            "and revoked after it is not applied yet. Run the same restore again."
        )
        raise FolderUnusable(message)


@contextmanager
def archives_of_backup(source: Path) -> Generator[ArchiveStore]:
    """Open the archives of a backup, whose records may be of another version."""
    if not DataFolder(source).archives.root.is_dir():
        message = f"{source} is no backup: it has no folder archives."
        raise FolderUnusable(message)
    yield FileArchives(DataFolder(source).archives, SystemClock())


newest_backup = find_newest_backup  # Commands name no adapter.
drill_folder = make_drill_folder
database_problems = compare_databases


def restore_for_drill(settings: Settings, backup: FoundBackup, data: Path) -> Settings:
    """Restore a backup as `restore_backup` does, to a folder that nobody serves, and apply the list
    of revocations of the registry as well; return the settings of the copy."""
    copy = scratch_settings(settings, data)
    own_list = DataFolder(settings.data).revocations
    later = [own_list] if own_list.is_file() else []
    restore_backup(copy, backup.folder, ArchiveChecks.NONE, later=later)
    return copy


def scratch_settings(settings: Settings, data: Path) -> Settings:
    """Return the settings of a copy of the registry in a folder of this machine. The copy reads no
    store, key vault or telemetry of the registry."""
    return settings.model_copy(
        update={
            "data": data,
            "upgrade_backup": False,
            "cosmos_endpoint": "",
            "cosmos_key": None,
            "blob_endpoint": "",
            "blob_connection": None,
            "key_vault": "",
            "insights_connection": None,
        }
    )


def restored_registry(settings: Settings, archives: ArchiveStore | None = None) -> Registry:
    """Return a registry over a restored folder that is read, and sends and logs nothing; by default
    with the archives of the folder."""
    adapters = replace(embedded_adapters(settings), mailer=SilentMailer(), writes_log=False)
    return build_registry(settings, replace(adapters, archives=archives or adapters.archives))


async def sampled_archives(settings: Settings, registry: Registry) -> ArchiveStore:
    """Return the archives of a registry, which a restored folder keeps when they are read."""
    there = registry.adapters.archives
    clock = SystemClock()
    listed = {each.digest: each async for each in there.list(clock.now_ms())}
    here = FileArchives(DataFolder(settings.data).archives, clock)
    return SampledArchives(there, listed, here)


def now_ms() -> int:
    """Return the time, for commands that need it before there is a registry."""
    return SystemClock().now_ms()


_CERTIFICATE = "certificate"


def check_data(settings: Settings) -> list[Check]:
    """Return the results of the checks of the stores."""
    if settings.is_in_the_cloud:
        return asyncio.run(_check_cloud(settings))
    from shared.adapters.search.rows import SEARCH_MIGRATIONS

    versions = SchemaVersions(len(MIGRATIONS), len(SEARCH_MIGRATIONS))
    return list(check_data_folder(settings.data, versions))


def check_telemetry(settings: Settings) -> list[Check]:
    """Return whether metrics can be exported, where that is configured."""
    if not settings.insights_connection:
        return []
    if missing := missing_telemetry():
        return [Check("telemetry", missing, AZURE_EXTRA, CheckSeverity.ERROR)]
    return [Check("telemetry", "Metrics are exported to Application Insights.")]


def check_confinement() -> Check:
    """Return the check of the restrictions of the confined process on this machine."""
    held = restrictions_here()
    missing = [each.value for each in Restriction if each not in held]
    found = f"It has {'; '.join(each.value for each in held) or 'limits of its time alone'}."
    way_out = f"Missing: {'; '.join(missing)}. Linux 5.13 and newer have them." if missing else ""
    return Check("confined process", found, way_out, CheckSeverity.ADVICE)


def check_certificate(settings: Settings) -> list[Check]:
    """Return when the certificates end with which this registry is served: that of the local host,
    and the one that its address shows, which may be that of a proxy in front of it."""
    from shared.adapters.certificates import (
        CertificateEnded,
        CertificateUnread,
        end_of_file,
        end_of_server,
        sentence_of,
    )

    now_ms = SystemClock().now_ms()
    found = list[Check]()
    if settings.tls_cert is not None:
        try:
            sentence = sentence_of(str(settings.tls_cert), end_of_file(settings.tls_cert), now_ms)
        except CertificateUnread as failure:
            sentence = (f"{failure}.", "Correct BALLROOM_TLS_CERT.")
        found.append(Check(_CERTIFICATE, *sentence))
    if settings.base_url.startswith("https://"):
        address = settings.base_url
        try:
            end_ms = end_of_server(address, network_of(settings))
        except CertificateEnded:
            ended = f"The certificate of {address} has ended."
            found.append(Check(_CERTIFICATE, ended, "Renew it now: clients refuse it."))
        except CertificateUnread as failure:
            unseen = f"The certificate of {address} is not seen from here: {failure}."
            way_out = "See on a machine of a client when it ends."
            # The own address of a registry cannot always be reached from inside its network.
            found.append(Check("own address", unseen, way_out, CheckSeverity.ADVICE))
        else:
            found.append(Check(_CERTIFICATE, *sentence_of(address, end_ms, now_ms)))
    return found


@contextmanager
def other_folder(data: Path) -> Generator[tuple[StoredSnapshots, ArchiveSources]]:
    """Open the snapshots and the archives of another registry on this machine."""
    clock = SystemClock()
    embedded = open_embedded(data, clock)
    if not DataFolder(data).database.exists():
        raise DatabaseMissing(DataFolder(data).database)
    try:
        snapshots = StoredSnapshots(SnapshotFolder(DataFolder(data).snapshots))
        yield snapshots, ArchiveSources(embedded.archives, embedded.documents, embedded.log_files)
    finally:
        embedded.close()


exported_index = open_index_export  # Commands name no adapter.
write_evidence = write_folder
read_evidence = read_folder


def bundle_files():  # Not annotated, so that its type is that of the module.
    """Return the module of bundles and their keys, which imports cryptography."""
    from shared.adapters import bundle_files

    return bundle_files


def rotate_keys(settings: Settings) -> None:
    """Make a new key in the data folder; the processes that start next sign with it.

    The keys of webhooks are encrypted with the last key first, which stays valid: so no webhook
    loses its secret, however often the key is rotated before the registry starts again.
    """
    _require_folder(settings, "Its key is in the key vault: infra/keys.sh VAULT rotate.")
    if open_embedded(settings.data, SystemClock()).database.is_current():
        asyncio.run(_renew_keys_of_webhooks(settings))
    SigningKeyFolder(DataFolder(settings.data).keys, SystemClock(), SystemRandomness()).rotate()


async def _renew_keys_of_webhooks(settings: Settings) -> None:
    registry = build_registry(settings)
    try:
        webhooks = await all_entities(registry.adapters.directory, Webhook)
        await registry.organizations.webhook_secrets.renew_keys(webhooks)
    finally:
        await registry.close()


def rotate_release_keys(settings: Settings) -> None:
    """Make a new key that signs releases; running processes sign with it ten minutes later."""
    way_out = "Its keys are in the key vault: infra/keys.sh VAULT rotate-release-keys."
    _require_folder(settings, way_out)
    clock = SystemClock()
    release_key_file(DataFolder(settings.data).keys, clock).rotate(clock.now_ms())


def rotate_log_key(settings: Settings, overlap: timedelta) -> int:
    """Make a new key of the log; return until when the one before signs as well."""
    way_out = "Its keys are in the key vault: infra/keys.sh VAULT rotate-log-key DAYS."
    _require_folder(settings, way_out)
    clock = SystemClock()
    until_ms = clock.now_ms() + overlap // MS
    log_key_file(DataFolder(settings.data).keys, clock, SystemRandomness()).rotate(until_ms)
    return until_ms


def _selected_adapters(settings: Settings) -> Adapters:
    if not settings.is_in_the_cloud:
        return embedded_adapters(settings)
    if missing := missing_stores():
        raise AzureExtraMissing(missing)
    return cloud_adapters(settings)


def _open_cloud(
    settings: Settings, clock: Clock, connections: "AzureClients | None" = None
) -> "CloudStores":
    from shared.adapters.cloud import IdentityClients, StoreAddresses, open_cloud

    addresses = StoreAddresses(
        cosmos=settings.cosmos_endpoint,
        blobs=settings.blob_endpoint,
        cosmos_key=_secret(settings.cosmos_key),
        blob_connection=_secret(settings.blob_connection),
    )
    clients = connections or IdentityClients(addresses, network_of(settings))
    return open_cloud(clients, clock, SystemRandomness())


async def _check_cloud(settings: Settings) -> list[Check]:
    if missing := missing_stores():
        return [Check("records", missing, AZURE_EXTRA, CheckSeverity.FATAL)]
    from shared.adapters.cloud import check_cloud_stores

    cloud = _open_cloud(settings, SystemClock())
    try:
        return [finding async for finding in check_cloud_stores(cloud)]
    finally:
        await cloud.close()


def _require_folder(settings: Settings, way_out: str) -> None:
    if settings.is_in_the_cloud:
        raise DataFolderRequired(way_out)


def _search_index(folder: DataFolder) -> "SqliteSearchIndex":
    from shared.adapters.search.index import SqliteSearchIndex

    return SqliteSearchIndex(folder.search)


def network_of(settings: Settings) -> Network:
    """Return how other servers are reached."""
    return Network(settings.proxy_rules, settings.ca_file)


def _identity(network: Network) -> AppIdentity:
    """Return the function that creates the identity of the app in Azure."""

    def identity() -> "AsyncTokenCredential":
        from shared.adapters.azure_transports import identity_transport

        return app_identity(identity_transport(network))

    return identity


def _edge(settings: Settings, fetcher: HttpClient, network: Network) -> EdgeCache | None:
    from shared.adapters.azure_services import FrontDoor

    endpoint = settings.archive_cdn_resource
    return FrontDoor(endpoint, fetcher, _identity(network)) if endpoint else None


def _mailer(settings: Settings, network: Network) -> Mailer:
    if settings.mail == "smtp":
        server = SmtpServer(
            settings.smtp_host,
            settings.smtp_port,
            Encryption(settings.smtp_encryption),
            settings.smtp_user,
            _secret(settings.smtp_password),
        )
        return SmtpMailer(server, parse_email(settings.mail_from), network)
    if settings.mail == "azure":
        sender = parse_email(settings.mail_from)
        return AzureMailer(
            settings.acs_endpoint,
            sender,
            fetcher=_fetcher_of(settings.acs_endpoint, network),
            identity=_identity(network),
        )
    return ConsoleMailer()


def _advisory_dumps(settings: Settings, network: Network) -> AdvisoryDumps:
    """Return the reader of dumps. The operator may have mirrors in their network."""
    mirrors = [each.host for each in settings.advisory_sources if each.host]
    fetcher = GuardedFetcher(
        [*split_list(settings.inside_hosts), *mirrors],
        network=network,
        time_limit=DUMP_TIME_LIMIT,
        max_bytes=MAX_DUMP_BYTES,
    )
    return FetchedAdvisoryDumps(fetcher)


def _upstreams(
    settings: Settings, network: Network, clock: Clock, fetched: Path
) -> Callable[[UpstreamAddress], Upstream] | None:
    """Return the function that connects registries that are mirrored; archives of theirs are files
    in `fetched` until they are stored.

    The operator may have those of the setting in their network. Others that administrators name
    have public addresses, or are in BALLROOM_INSIDE_HOSTS.
    """
    if not settings.upstreams:
        return None
    from shared.adapters.fetch_budget import FetchBudget
    from shared.adapters.upstream import (
        ARCHIVE_DEADLINE,
        DOCUMENT_DEADLINE,
        MAX_DOCUMENT_BYTES,
        CentralUpstream,
    )

    budget = FetchBudget(fetched)

    def connect(address: UpstreamAddress) -> Upstream:
        own = [address.host] if address in settings.upstreams else []
        inside = [*split_list(settings.inside_hosts), *own]
        return CentralUpstream(
            address.name,
            address.url,
            documents=GuardedFetcher(
                inside,
                network=network,
                time_limit=DOCUMENT_DEADLINE,
                max_bytes=MAX_DOCUMENT_BYTES,
                count=budget.count_document,
            ),
            archives=GuardedFetcher(
                inside,
                network=network,
                time_limit=ARCHIVE_DEADLINE,
                max_bytes=settings.max_archive_bytes,
            ),
            budget=budget,
            pseudonym=pseudonym_of(settings.base_url),
            clock=clock,
            token=settings.token_of(address),
        )

    return connect


def _scanner(settings: Settings, network: Network) -> GuardedFetcher:
    """Return the client for the scanner, which the operator may have in their network."""
    own = [urlsplit(settings.scanner_url).netloc] if settings.scanner_url else []
    return GuardedFetcher(
        [*split_list(settings.inside_hosts), *own],
        network=network,
        time_limit=timedelta(seconds=settings.scanner_seconds),
        max_bytes=MAX_SCAN_ANSWER_BYTES,
    )


def _fetcher_of(service: str, network: Network) -> HttpClient:
    """Return a client for a service of the operator, which a private endpoint may serve."""
    return GuardedFetcher([urlsplit(service).netloc], network=network)


def _secret(setting: SecretStr | None) -> Secret:
    return Secret(setting.get_secret_value() if setting else "")


def _certificate_of(settings: Settings) -> Callable[[], int | None] | None:
    """Return the function that reads since when the certificate of the local host is valid."""
    file = settings.tls_cert
    if file is None:
        return None

    def made_ms() -> int | None:
        from shared.adapters.certificates import made_ms_of_file

        return made_ms_of_file(file)

    return made_ms


def _keys(
    settings: Settings, folder: DataFolder, clock: Clock, randomness: Randomness
) -> SigningKeys:
    if settings.link_key:
        return KeyRing.of_setting(settings.link_key.get_secret_value())
    if settings.key_vault:
        read = _vault_secret(settings, settings.key_secret)
        recorded = recording_age(read, clock, KeyKind.LINKS.value, lambda stored: stored.stored_ms)
        return VaultKeys(recorded, clock, log_key_problem)
    return SigningKeyFolder(folder.keys, clock, randomness).load()


def _release_signer(settings: Settings, folder: DataFolder, clock: Clock) -> ReleaseSigner:
    file = release_key_file(folder.keys, clock)
    read = _key_text(settings, settings.release_keys, file, KeyKind.RELEASES)
    return ReleaseSigner(read, clock, log_key_problem)


def _log_keys(settings: Settings, folder: DataFolder, clock: Clock) -> LogKeys:
    file = log_key_file(folder.keys, clock, SystemRandomness())
    read = _key_text(settings, settings.log_keys, file, KeyKind.LOG)
    return LogKeys(read, clock, log_key_problem)


def _witness_keys(settings: Settings, folder: DataFolder, clock: Clock) -> LogKeys:
    file = witness_key_file(folder.keys, clock, SystemRandomness())
    read = _key_text(settings, settings.witness_keys, file, KeyKind.WITNESS)
    return LogKeys(read, clock, log_key_problem, signed=OTHER_LOGS)


def _key_text(
    settings: Settings, setting: SecretStr | None, file: KeyFile, kind: KeyKind
) -> ReadKeys:
    """Return the reader of a text of keys: of the setting, the vault, or the file."""
    if setting:
        return text_of_setting(_secret(setting))
    if settings.key_vault:
        read = _vault_secret(settings, file.path.name)
        # The key of the witness is not rotated, and the alert is about keys that are.
        if kind is KeyKind.WITNESS:
            return read
        return recording_age(read, file.clock, kind.value, newest_made_ms)
    return file.read


def _vault_secret(settings: Settings, name: str) -> ReadKeys:
    network = network_of(settings)
    fetcher = _fetcher_of(settings.key_vault, network)
    return KeyVault(settings.key_vault, name, fetcher, _identity(network)).read


def key_files(folder: Path) -> tuple[KeyFile, ...]:
    """Return the files of the keys that others verify with."""
    clock = SystemClock()
    randomness = SystemRandomness()
    return (
        release_key_file(folder, clock),
        log_key_file(folder, clock, randomness),
        witness_key_file(folder, clock, randomness),
    )
