"""Signed links to archives (shared access signatures) and the keys that sign them."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob import UserDelegationKey, generate_blob_sas
from azure.storage.blob.aio import BlobClient

from shared.adapters.blob.client import BlobContainers, translate_blob_errors
from shared.adapters.paths import ARCHIVE_CONTAINERS, archive_blob
from shared.caching import SingleFlight
from shared.domain.archives.names import ArchiveName
from shared.domain.errors.requests import Busy
from shared.domain.packages import Visibility
from shared.log import log
from shared.ports import Clock

# Clients follow at once. A public link may be used for longer, by who reads on after a break; as
# long as shared caches keep what the registry itself sends.
LINK_LIFETIME = {
    Visibility.PRIVATE: timedelta(seconds=60),
    Visibility.PUBLIC: timedelta(minutes=5),
}
LINK_CACHE_CONTROL = {
    Visibility.PRIVATE: "private, no-store",
    Visibility.PUBLIC: "public, max-age=300",
}
COPY_LINK_LIFETIME = timedelta(minutes=5)  # The service reads what it copies within seconds.

CLOCK_SKEW = timedelta(minutes=5)  # Clocks of other machines are this much behind at most.
KEY_LIFETIME = timedelta(hours=6)  # The service lends a key for seven days at most.
KEY_RENEWAL_MARGIN = timedelta(hours=2)  # The next key is asked for so long before this one ends.
KEY_TIMEOUT = timedelta(seconds=5)  # For a key; the registry can send the bytes itself.
KEY_RETRY_INTERVAL = timedelta(seconds=30)  # When there was no key: nobody waits for it meanwhile.

_BYTES = "application/octet-stream"
_MS = timedelta(milliseconds=1)


class LinkSigner(Protocol):
    """What a signature is made with."""

    async def key(self, until_ms: int) -> Mapping[str, Any]:
        """Return the key that is good until then, as `generate_blob_sas` takes it; or raise
        `Busy`."""
        ...


class BlobLinks:
    """The ArchiveLinks of a registry in the cloud."""

    def __init__(
        self, blobs: BlobContainers, clock: Clock, signing: LinkSigner | None = None
    ) -> None:
        """Link to the containers `archives` and `private`; `signing` by default as the connection
        is."""
        self._blobs = blobs
        self._clock = clock
        self._signing = signing

    async def link(self, name: ArchiveName, side: Visibility, file: str) -> str:
        """Return an address of the archive that is good for a while; raise `Busy`."""
        blob = self._blobs.container(ARCHIVE_CONTAINERS[side]).get_blob_client(archive_blob(name))
        return await self._signed(
            blob,
            LINK_LIFETIME[side],
            cache_control=LINK_CACHE_CONTROL[side],
            content_disposition=f"attachment; filename={file}",
            content_type=_BYTES,
        )

    async def source(self, blob: BlobClient) -> str:
        """Return an address by which the service reads a blob that it copies; raise `Busy`."""
        return await self._signed(blob, COPY_LINK_LIFETIME)

    async def _signed(self, blob: BlobClient, lifetime: timedelta, **overrides: Any) -> str:
        now_ms = self._clock.now_ms()
        until_ms = now_ms + lifetime // _MS
        query = generate_blob_sas(
            str(blob.account_name),
            blob.container_name,
            blob.blob_name,
            permission="r",
            start=_time(now_ms - CLOCK_SKEW // _MS),
            expiry=_time(until_ms),
            **await self._chosen().key(until_ms),
            **overrides,
        )
        # The library leaves `/` as it is. Clients split the whole address on it, and would take the
        # version out of the signature.
        return f"{blob.url}?{query.replace('/', '%2F')}"

    def _chosen(self) -> LinkSigner:
        self._signing = self._signing or _signing_of(self._blobs, self._clock)
        return self._signing


class AccountKey:
    """The key of an emulator's account, which is served without TLS."""

    def __init__(self, key: str) -> None:
        """Sign with `key`."""
        self._key = key

    async def key(self, until_ms: int) -> Mapping[str, Any]:  # noqa: ARG002 - it never ends.
        return {"account_key": self._key}


class DelegationKeys:
    """Keys that the service lends to the identity of the app, one at a time."""

    def __init__(self, blobs: BlobContainers, clock: Clock) -> None:
        """Ask for none yet."""
        self._blobs = blobs
        self._clock = clock
        self._lent: UserDelegationKey | None = None
        self._ends_ms = 0
        self._renewal = SingleFlight[None]()
        self._not_before_ms = 0

    async def key(self, until_ms: int) -> Mapping[str, Any]:
        """Return the key that is kept, or wait for one; raise `Busy` where there is none."""
        if not self._is_good(until_ms + KEY_RENEWAL_MARGIN // _MS):
            renewal = self._renewal.start("", self._renew)
            if not self._is_good(until_ms):  # Else nobody waits: this one is good for a while.
                await asyncio.shield(renewal)
        if not self._is_good(until_ms):
            raise Busy
        return {"user_delegation_key": self._lent, "protocol": "https"}

    def _is_good(self, until_ms: int) -> bool:
        return self._lent is not None and until_ms + CLOCK_SKEW // _MS < self._ends_ms

    async def _renew(self) -> None:
        now_ms = self._clock.now_ms()
        if now_ms < self._not_before_ms:
            return
        ends_ms = now_ms + KEY_LIFETIME // _MS
        try:
            self._lent = await self._borrowed(now_ms - CLOCK_SKEW // _MS, ends_ms)
        except (Busy, ClientAuthenticationError) as failure:
            self._not_before_ms = now_ms + KEY_RETRY_INTERVAL // _MS
            log.warning("links.without_key", reason=type(failure).__name__)
        else:
            self._ends_ms = ends_ms

    async def _borrowed(self, start_ms: int, ends_ms: int) -> UserDelegationKey:
        with suppress(TimeoutError), translate_blob_errors():
            async with asyncio.timeout(KEY_TIMEOUT.total_seconds()):
                service = self._blobs.service()
                return await service.get_user_delegation_key(_time(start_ms), _time(ends_ms))
        raise Busy


def _signing_of(blobs: BlobContainers, clock: Clock) -> LinkSigner:
    """Return what the connection itself is signed with, or what is lent to whoever it names."""
    key = getattr(blobs.service().credential, "account_key", None)
    return AccountKey(key) if key else DelegationKeys(blobs, clock)


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)
