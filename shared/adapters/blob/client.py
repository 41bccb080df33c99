"""The client of Blob Storage of a process, the names of its blobs, and signed links to archives
(shared access signatures) with the keys that sign them.
"""

import asyncio
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.blob import UserDelegationKey, generate_blob_sas
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient
from msgspec import Struct, field

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import (
    ARCHIVE_CACHE_PUBLIC,
    ARCHIVE_TYPE,
    LINK_CACHE_DIVISOR,
    StoreLink,
    content_disposition,
)
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.domain.errors.requests import Busy
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.runtime.single_flight import SingleFlight
from shared.telemetry.log import log

BLOB_CLIENT_OPTIONS: dict[str, Any] = {
    # The transport warns about larger blocks: it blocks the event loop while it sends one.
    "max_single_put_size": 1024 * 1024,
    "max_block_size": 1024 * 1024,
    # Three retries, each after at most two seconds; the default would wait 57 seconds.
    "initial_backoff": 0,
    "increment_base": 1,
    "random_jitter_range": 1,
    "retry_total": 3,
    "connection_timeout": 5,
    "read_timeout": 20,
}

BLOB_CONTAINERS = ("archives", "private", "derived", "uploads", "backups", "transparency")

ARCHIVE_CONTAINERS = {ArchiveContainer.PUBLIC: "archives", ArchiveContainer.PRIVATE: "private"}

# Errors that adapters handle; all others mean that the store is unavailable.
_DECIDED = (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError)


class BlobContainers(Struct):
    """The containers of one account."""

    connect: Callable[[], BlobServiceClient]
    prefix: str = ""  # A prefix of container names, if several registries share an account.
    _client: BlobServiceClient | None = None
    _containers: dict[str, ContainerClient] = field(default_factory=dict[str, ContainerClient])

    def container(self, name: str) -> ContainerClient:
        """Return the client of a container, without a request."""
        if name not in self._containers:
            made = self.service().get_container_client(f"{self.prefix}{name}")
            self._containers[name] = made
        return self._containers[name]

    def service(self) -> BlobServiceClient:
        """Return the client of the account, without a request."""
        self._client = self._client or self.connect()
        return self._client

    async def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        client = self._client
        self._client = None
        self._containers.clear()
        if client is not None:
            await client.close()


@contextmanager
def translate_blob_errors() -> Generator[None]:
    """Raise `Busy` for errors that say nothing about the request, such as 500 and time-outs."""
    try:
        yield
    except _DECIDED:
        raise
    except ClientAuthenticationError:
        raise  # A mistake in the configuration, which no retry corrects.
    except HttpResponseError as failed:
        if failed.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        raise Busy from failed
    except (ServiceRequestError, ServiceResponseError) as failed:
        raise Busy from failed


def archive_blob(name: ArchiveName) -> str:
    """Return the name of an archive in its container, whichever that is."""
    return f"{archive_blobs(name.digest)}{name.tail}"


def archive_blobs(digest: Digest) -> str:
    """Return the prefix of the blob names of this archive only."""
    return f"{digest.hex}/"


def digest_of_blob(name: str) -> Digest:
    """Return the digest of the archive of that name."""
    return Digest(name.partition("/")[0])


# The folder of all blobs of the search index. Earlier versions, which may still run, use "search/".
SEARCH_PARTS = "index/"
SEARCH_POINTER = f"{SEARCH_PARTS}pointer.json"


def base_blob(made_ms: int, mark: str) -> str:
    """Return the name of a whole search index."""
    return f"{SEARCH_PARTS}base-{made_ms}-{mark}.db.z"


def search_part_made_ms(name: str) -> int:
    return int(name.split("-")[1])


# Clients follow a link at once. A public link is valid for longer, for downloads that are resumed:
# as long as shared caches may store answers of the registry.
LINK_LIFETIME = {
    ArchiveContainer.PRIVATE: timedelta(seconds=60),
    ArchiveContainer.PUBLIC: timedelta(minutes=5),
}
LINK_CACHE_CONTROL = {
    ArchiveContainer.PRIVATE: "private, no-store",
    ArchiveContainer.PUBLIC: ARCHIVE_CACHE_PUBLIC,
}
COPY_LINK_LIFETIME = timedelta(minutes=5)  # The service reads the source within seconds.

CLOCK_SKEW = timedelta(minutes=5)  # The maximum difference between the clocks of two machines.
KEY_LIFETIME = timedelta(hours=6)  # The service issues keys for at most seven days.
# A new key is requested this long before the current one expires.
KEY_RENEWAL_MARGIN = timedelta(hours=2)
KEY_TIMEOUT = timedelta(seconds=5)  # Without a key the registry sends the bytes itself.
# The pause after a failed request, during which requests do not wait for a key.
KEY_RETRY_INTERVAL = timedelta(seconds=30)


class LinkSigner(Protocol):
    """Returns the key for signatures."""

    async def key(self, until_ms: int) -> Mapping[str, Any]:
        """Return a key valid until then, as arguments of `generate_blob_sas`; raise `Busy`."""
        ...


class BlobLinks:
    """The ArchiveLinks of a registry in the cloud."""

    def __init__(
        self, blobs: BlobContainers, clock: Clock, signing: LinkSigner | None = None
    ) -> None:
        """Sign with `signing`, by default with the credential of the connection."""
        self._blobs = blobs
        self._clock = clock
        self._signer = signing

    async def link(self, name: ArchiveName, container: ArchiveContainer, file: str) -> StoreLink:
        now_ms = self._clock.monotonic_ms()
        cached_for = LINK_LIFETIME[container] / LINK_CACHE_DIVISOR
        return StoreLink(await self._link(name, container, file), now_ms + cached_for // MS)

    async def _link(self, name: ArchiveName, container: ArchiveContainer, file: str) -> str:
        # The client of a blob knows all of this, too, but creating one takes longer than signing.
        of = self._blobs.container(ARCHIVE_CONTAINERS[container])
        blob = archive_blob(name)
        return await self._sign(
            _Blob(str(of.account_name), of.container_name, blob, f"{of.url}/{quote(blob)}"),
            LINK_LIFETIME[container],
            cache_control=LINK_CACHE_CONTROL[container],
            content_disposition=content_disposition(file),
            content_type=ARCHIVE_TYPE,
        )

    async def source(self, blob: BlobClient) -> str:
        """Return an address from which the service can copy the blob; raise `Busy`."""
        account = str(blob.account_name)
        source = _Blob(account, blob.container_name, blob.blob_name, blob.url)
        return await self._sign(source, COPY_LINK_LIFETIME)

    async def _sign(self, blob: "_Blob", lifetime: timedelta, **overrides: Any) -> str:
        now_ms = self._clock.now_ms()
        until_ms = now_ms + lifetime // MS
        query = generate_blob_sas(
            blob.account,
            blob.container,
            blob.name,
            permission="r",
            start=_time(now_ms - CLOCK_SKEW // MS),
            expiry=_time(until_ms),
            **await self._chosen_signer().key(until_ms),
            **overrides,
        )
        # The library does not encode `/`. Clients split the whole address at it, and would read the
        # version from the signature.
        return f"{blob.url}?{query.replace('/', '%2F')}"

    def _chosen_signer(self) -> LinkSigner:
        self._signer = self._signer or _signer_of(self._blobs, self._clock)
        return self._signer


class _Blob(Struct, frozen=True):
    """A blob that is signed for, and its address."""

    account: str
    container: str
    name: str
    url: str


class AccountKey:
    """The account key of an emulator, which is served without TLS."""

    def __init__(self, key: str) -> None:
        self._key = key

    async def key(self, until_ms: int) -> Mapping[str, Any]:  # noqa: ARG002 - it never ends.
        return {"account_key": self._key}


class DelegationKeys:
    """User delegation keys of the app's identity: holds one, and renews it in the background."""

    def __init__(self, blobs: BlobContainers, clock: Clock) -> None:
        self._blobs = blobs
        self._clock = clock
        self._delegation_key: UserDelegationKey | None = None
        self._expires_ms = 0
        self._renewal = SingleFlight[None]()
        self._retry_at_ms = 0

    async def key(self, until_ms: int) -> Mapping[str, Any]:
        """Return the current key, or wait for the first one; raise `Busy` if none is available."""
        if not self._is_valid(until_ms + KEY_RENEWAL_MARGIN // MS):
            renewal = self._renewal.start("", self._renew)
            # Requests only wait for a new key if the current one is no longer valid.
            if not self._is_valid(until_ms):
                await asyncio.shield(renewal)
        if not self._is_valid(until_ms):
            raise Busy
        return {"user_delegation_key": self._delegation_key, "protocol": "https"}

    def _is_valid(self, until_ms: int) -> bool:
        return self._delegation_key is not None and until_ms + CLOCK_SKEW // MS < self._expires_ms

    async def _renew(self) -> None:
        now_ms = self._clock.now_ms()
        if now_ms < self._retry_at_ms:
            return
        expires_ms = now_ms + KEY_LIFETIME // MS
        try:
            self._delegation_key = await self._request_key(now_ms - CLOCK_SKEW // MS, expires_ms)
        except (Busy, ClientAuthenticationError) as failure:
            self._retry_at_ms = now_ms + KEY_RETRY_INTERVAL // MS
            log.warning("links.without_key", reason=type(failure).__name__)
        else:
            self._expires_ms = expires_ms

    async def _request_key(self, start_ms: int, expires_ms: int) -> UserDelegationKey:
        with suppress(TimeoutError), translate_blob_errors():
            async with asyncio.timeout(KEY_TIMEOUT.total_seconds()):
                service = self._blobs.service()
                return await service.get_user_delegation_key(_time(start_ms), _time(expires_ms))
        raise Busy


def _signer_of(blobs: BlobContainers, clock: Clock) -> LinkSigner:
    """Return the account key of the connection, or delegation keys of its identity."""
    key = getattr(blobs.service().credential, "account_key", None)
    return AccountKey(key) if key else DelegationKeys(blobs, clock)


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)
