"""Which adapter serves which port, on one machine and in the cloud."""

import tempfile
from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from shared.adapters.advisory_dumps import DUMP_TIME_LIMIT, MAX_DUMP_BYTES, FetchedAdvisoryDumps
from shared.adapters.azure_services import FrontDoor
from shared.adapters.data_folder import DataFolder
from shared.adapters.embedded import open_embedded
from shared.adapters.http_fetcher import GuardedFetcher
from shared.adapters.installed import installed_components, running_versions
from shared.adapters.mail import AzureMailer, ConsoleMailer, Encryption, SmtpMailer, SmtpServer
from shared.adapters.network import Network
from shared.adapters.snapshot_folder import SnapshotFolder
from shared.adapters.sqlite.edition import EmbeddedEdition
from shared.adapters.system import SystemClock, SystemRandomness, WriteProbe, disk_space
from shared.auth.secrets import Secret
from shared.bootstrap.keys import log_keys, release_signer, signing_keys, witness_keys
from shared.bootstrap.network import fetcher_of, identity_of_app, network_of
from shared.confined.budget import RELEASE_BUDGET
from shared.confined.process import ConfinedProcess
from shared.domain.mail import parse_email
from shared.domain.mirror_rules import UpstreamAddress
from shared.domain.scans import MAX_SCAN_ANSWER_BYTES
from shared.ports.advisories import AdvisoryDumps
from shared.ports.archive_delivery import EdgeCache
from shared.ports.mail import Mailer
from shared.ports.pull_ledger import CallerScope
from shared.ports.system import Clock
from shared.ports.upstream import Upstream
from shared.runtime.azure_extra import AzureExtraMissing, missing_stores
from shared.services.adapters import Adapters
from shared.services.mirroring.ours_or_upstream import pseudonym_of
from shared.settings import Settings
from shared.settings.values import secret_of, split_list

if TYPE_CHECKING:
    from shared.adapters.cloud import AzureClients, CloudStores
    from shared.adapters.search.index import SqliteSearchIndex


T = TypeVar("T")


def embedded_adapters(settings: Settings, clock: Clock | None = None) -> Adapters:
    """Return the adapters of one machine: SQLite and files below `settings.data`."""
    folder = DataFolder(settings.data)
    clock = clock or SystemClock()
    embedded = open_embedded(settings.data, clock)
    search = cache(lambda: search_index(folder))

    confined = ConfinedProcess(folder.confined, RELEASE_BUDGET)

    async def close() -> None:
        await confined.close()
        embedded.close()
        if search.cache_info().currsize:
            search().close()

    complete = _common_adapters(settings, clock, confined, folder.root)
    return complete(
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
        archive_path=embedded.archives.path,
        close=close,
        edition=EmbeddedEdition(embedded.database.data_version, embedded.metadata.changes_since),
        require_disk_space=WriteProbe(folder.root).require_disk_space,
        certificate_made_ms=_certificate_of(settings),
        disk_space=lambda: disk_space(settings.data),
    )


def cloud_adapters(
    settings: Settings, clock: Clock | None = None, connections: "AzureClients | None" = None
) -> Adapters:
    """Return the adapters of the cloud: Cosmos DB and Blob Storage, imported when first used."""
    clock = clock or SystemClock()
    opened = cache(lambda: open_cloud_stores(settings, clock, connections))
    confined = ConfinedProcess(Path(tempfile.gettempdir()) / "ballroom", RELEASE_BUDGET)

    async def close() -> None:
        await confined.close()
        if opened.cache_info().currsize:
            await opened().close()

    complete = _common_adapters(settings, clock, confined, Path(tempfile.gettempdir()))
    return complete(
        metadata=_opened_later(lambda: opened().metadata),
        documents=_opened_later(lambda: opened().documents),
        archives=_opened_later(lambda: opened().archives),
        directory=_opened_later(lambda: opened().directory),
        events=_opened_later(lambda: opened().events),
        work=_opened_later(lambda: opened().work),
        pulls=_opened_later(lambda: opened().pulls),
        pull_records=_opened_later(lambda: opened().pull_records),
        search=_opened_later(lambda: opened().search.index),
        snapshots=_opened_later(lambda: opened().snapshots),
        revocations=_opened_later(lambda: opened().revocations),
        log_files=_opened_later(lambda: opened().log_files),
        advisory_files=_opened_later(lambda: opened().advisory_files),
        archive_path=None,
        edition=_opened_later(lambda: opened().edition),
        close=close,
        copies=_opened_later(lambda: opened().copies),
        links=_opened_later(lambda: opened().archives.links),
        feed=_opened_later(lambda: opened().search.feed),
        caller_scope=CallerScope.PROCESS,
        edge=_edge(settings, network_of(settings)),
    )


def _common_adapters(settings: Settings, clock: Clock, confined: ConfinedProcess, fetched: Path):
    """Return the constructor of the adapters, with those that do not depend on where the stores
    are. Archives of upstreams are files in `fetched` until they are stored.

    It has no annotation, so that the type checker knows which adapters are missing.
    """
    folder = DataFolder(settings.data)
    randomness = SystemRandomness()
    network = network_of(settings)
    fetcher = GuardedFetcher(split_list(settings.inside_hosts), network=network)
    scanner = _scanner(settings, network)
    return partial(
        Adapters,
        clock=clock,
        randomness=randomness,
        keys=signing_keys(settings, folder, clock, randomness),
        release_signer=release_signer(settings, folder, clock),
        log_keys=log_keys(settings, folder, clock),
        witness_keys=witness_keys(settings, folder, clock),
        advisory_dumps=_advisory_dumps(settings, network),
        fetcher=fetcher,
        scanner=scanner,
        mailer=_mailer(settings, network),
        confined=confined,
        connect=fetcher.connect,
        connect_scanner=scanner.connect,
        components=installed_components,
        versions=running_versions,
        connect_upstream=_upstreams(settings, network, clock, fetched),
    )


class _OpenedLater:
    """Stands for a store that is opened when one of its members is first used. Services get their
    stores at the start, when no library of a store is imported yet."""

    def __init__(self, open_: Callable[[], object]) -> None:
        self._open = open_

    def __getattr__(self, name: str) -> Any:
        return getattr(self._open(), name)


def _opened_later(open_: Callable[[], T]) -> T:
    return cast("T", _OpenedLater(open_))


def selected_adapters(settings: Settings) -> Adapters:
    if not settings.is_in_the_cloud:
        return embedded_adapters(settings)
    if missing := missing_stores():
        raise AzureExtraMissing(missing)
    return cloud_adapters(settings)


def open_cloud_stores(
    settings: Settings, clock: Clock, connections: "AzureClients | None" = None
) -> "CloudStores":
    from shared.adapters.cloud import IdentityClients, StoreAddresses, open_cloud

    addresses = StoreAddresses(
        cosmos=settings.cosmos_endpoint,
        blobs=settings.blob_endpoint,
        cosmos_key=secret_of(settings.cosmos_key) or Secret(""),
        blob_connection=secret_of(settings.blob_connection) or Secret(""),
    )
    clients = connections or IdentityClients(addresses, network_of(settings))
    return open_cloud(clients, clock, SystemRandomness())


def search_index(folder: DataFolder) -> "SqliteSearchIndex":
    from shared.adapters.search.index import SqliteSearchIndex

    return SqliteSearchIndex(folder.search)


def _edge(settings: Settings, network: Network) -> EdgeCache | None:
    endpoint = settings.archive_cdn_resource
    if not endpoint:
        return None
    fetcher = GuardedFetcher(split_list(settings.inside_hosts), network=network)
    return FrontDoor(endpoint, fetcher, identity_of_app(network))


def _mailer(settings: Settings, network: Network) -> Mailer:
    if settings.mail == "smtp":
        server = SmtpServer(
            settings.smtp_host,
            settings.smtp_port,
            Encryption(settings.smtp_encryption),
            settings.smtp_user,
            secret_of(settings.smtp_password) or Secret(""),
        )
        return SmtpMailer(server, parse_email(settings.mail_from), network)
    if settings.mail == "azure":
        sender = parse_email(settings.mail_from)
        return AzureMailer(
            settings.acs_endpoint,
            sender,
            fetcher=fetcher_of(settings.acs_endpoint, network),
            identity=identity_of_app(network),
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


def _certificate_of(settings: Settings) -> Callable[[], int | None] | None:
    """Return the function that reads since when the certificate of the local host is valid."""
    file = settings.tls_cert
    if file is None:
        return None

    def made_ms() -> int | None:
        from shared.adapters.certificates import made_ms_of_file

        return made_ms_of_file(file)

    return made_ms
