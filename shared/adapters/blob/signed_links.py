"""Signed links to archives (shared access signatures) and the keys that sign them."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote

from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob import UserDelegationKey, generate_blob_sas
from azure.storage.blob.aio import BlobClient

from shared.adapters.blob.client import BlobContainers, translate_blob_errors
from shared.adapters.paths import ARCHIVE_CONTAINERS, archive_blob
from shared.domain.archives.delivery import (
    ARCHIVE_TYPE,
    LIFETIMES_REPEATED,
    StoreLink,
    content_disposition,
)
from shared.domain.archives.names import ArchiveName
from shared.domain.errors.requests import Busy
from shared.domain.packages import Visibility
from shared.domain.times import MS
from shared.log import log
from shared.ports import Clock
from shared.runtime.caching import SingleFlight

# Clients follow a link at once. A public link is valid for longer, for downloads that are resumed:
# as long as shared caches may store answers of the registry.
LINK_LIFETIME = {
    Visibility.PRIVATE: timedelta(seconds=60),
    Visibility.PUBLIC: timedelta(minutes=5),
}
LINK_CACHE_CONTROL = {
    Visibility.PRIVATE: "private, no-store",
    Visibility.PUBLIC: "public, max-age=300",
}
COPY_LINK_LIFETIME = timedelta(minutes=5)  # The service reads the source within seconds.

CLOCK_SKEW = timedelta(minutes=5)  # The maximum difference between the clocks of two machines.
KEY_LIFETIME = timedelta(hours=6)  # The service issues keys for at most seven days.
KEY_RENEWAL_MARGIN = timedelta(
    hours=2
)  # A new key is requested this long before the current one expires.
KEY_TIMEOUT = timedelta(seconds=5)  # Without a key the registry sends the bytes itself.
KEY_RETRY_INTERVAL = timedelta(
    seconds=30
)  # After a failed request; until then requests do not wait for a key.


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

    async def link(self, name: ArchiveName, container: Visibility, file: str) -> StoreLink:
        now_ms = self._clock.monotonic_ms()
        repeated = LINK_LIFETIME[container] / LIFETIMES_REPEATED
        return StoreLink(await self._link(name, container, file), now_ms + repeated // MS)

    async def _link(self, name: ArchiveName, container: Visibility, file: str) -> str:
        # The client of a blob knows all of this, too, but creating one takes longer than signing.
        of, blob = self._blobs.container(ARCHIVE_CONTAINERS[container]), archive_blob(name)
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


@dataclass(frozen=True, slots=True)
class _Blob:
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
            if not self._is_valid(
                until_ms
            ):  # Otherwise the current key is valid for a while, and no request waits.
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
