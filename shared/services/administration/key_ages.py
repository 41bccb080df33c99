"""The keys of the registry: since when the newest of each signs, where it lies, and how the next
one is made. Never a key itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from enum import Enum

from msgspec import Struct

from shared.auth.log_keys import LogKeys
from shared.auth.release_keys import ReleaseSigner
from shared.auth.signing_keys import SigningKeys
from shared.domain.errors.identity import SigningKeyUnavailable
from shared.domain.times import DAY_MS, MS
from shared.ports.system import Clock

# A key is rotated once a year, by docs/run/signing-keys.md; a month later somebody is told.
ROTATED_WITHIN = timedelta(days=400)


class KeyKind(Enum):
    """A key of the registry; the value is the label of its metric."""

    LINKS = "links"
    RELEASES = "releases"
    LOG = "log"
    WITNESS = "witness"
    WEBHOOKS = "webhooks"
    CERTIFICATE = "certificate"

    @property
    def protects(self) -> str:
        """What the key signs or encrypts, as a part of a sentence."""
        return _PROTECTS[self]


_PROTECTS = {
    KeyKind.LINKS: "links and sessions",
    KeyKind.RELEASES: "releases",
    KeyKind.LOG: "the transparency log",
    KeyKind.WITNESS: "checkpoints of other logs",
    KeyKind.WEBHOOKS: "secrets of webhooks",
    KeyKind.CERTIFICATE: "TLS of the local host",
}

# Keys without a limit: other logs know the key of a witness, the issuer of a certificate decides
# when it ends, and a new key of webhooks gives each receiver a new secret, which needs a reason.
_WITHOUT_LIMIT = frozenset({KeyKind.WITNESS, KeyKind.WEBHOOKS, KeyKind.CERTIFICATE})


class KeyPlace(Struct, frozen=True):
    """Where a key lies, and how the next one is made, as a sentence for an operator."""

    where: str
    rotation: str


class KeyAge(Struct, frozen=True):
    """A key; `made_ms` is None where its source does not say it, and `missing` says why there is
    none."""

    kind: KeyKind
    place: KeyPlace
    made_ms: int | None
    missing: str = ""

    def days(self, now_ms: int) -> int | None:
        return None if self.made_ms is None else max(0, now_ms - self.made_ms) // DAY_MS

    def is_old(self, now_ms: int) -> bool:
        """Check whether the key should have been rotated."""
        if self.made_ms is None or self.kind in _WITHOUT_LIMIT:
            return False
        return now_ms - self.made_ms > ROTATED_WITHIN // MS


class KeyAges(Struct, frozen=True):
    """Says how old each key is that the registry has."""

    keys: SigningKeys
    release_signer: ReleaseSigner
    log_keys: LogKeys
    witness_keys: LogKeys
    webhooks_made_ms: Callable[[], Awaitable[int | None]]
    certificate_made_ms: Callable[[], int | None] | None  # Reads a file.
    places: Mapping[KeyKind, KeyPlace]  # Has the certificate only if the local host serves HTTPS.
    clock: Clock

    async def ages(self) -> list[KeyAge]:
        """Return each key, in the order of `KeyKind`."""
        readers: Mapping[KeyKind, Callable[[], Awaitable[int | None]]] = {
            KeyKind.LINKS: self._links_ms,
            KeyKind.RELEASES: self._releases_ms,
            KeyKind.LOG: self._log_ms,
            KeyKind.WITNESS: self._witness_ms,
            KeyKind.WEBHOOKS: self.webhooks_made_ms,
            KeyKind.CERTIFICATE: self._certificate_ms,
        }
        return [await self._age(kind, readers[kind]) for kind in KeyKind if kind in self.places]

    async def seconds(self) -> dict[str, float]:
        """Return the age of each key that says when it was made, by the label of its metric."""
        now_ms = self.clock.now_ms()
        return {
            each.kind.value: (now_ms - each.made_ms) / 1_000
            for each in await self.ages()
            if each.made_ms is not None
        }

    async def _age(self, kind: KeyKind, read: Callable[[], Awaitable[int | None]]) -> KeyAge:
        try:
            return KeyAge(kind, self.places[kind], await read())
        except SigningKeyUnavailable as missing:
            return KeyAge(kind, self.places[kind], None, missing.found)

    async def _links_ms(self) -> int | None:
        await self.keys.ready()
        return self.keys.ring.made_ms

    async def _releases_ms(self) -> int:
        newest, *_ = await self.release_signer.keys()
        return newest.since_ms

    async def _log_ms(self) -> int:
        return await _newest_ms(self.log_keys)

    async def _witness_ms(self) -> int:
        return await _newest_ms(self.witness_keys)

    async def _certificate_ms(self) -> int | None:
        if self.certificate_made_ms is None:
            return None
        return await asyncio.to_thread(self.certificate_made_ms)


async def _newest_ms(keys: LogKeys) -> int:
    await keys.ready()
    newest, *_ = keys.signers()
    return newest.since_ms
