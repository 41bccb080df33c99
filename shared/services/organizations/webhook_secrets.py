"""Secrets of webhooks: encrypting them, and decrypting them to sign requests."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from shared.auth.encryption import KEY_BYTES, Undecryptable
from shared.auth.secrets import random_text
from shared.auth.signing_keys import SigningKeys
from shared.auth.webhook_keys import (
    decrypt_secret,
    encrypt_secret,
    rewrapped,
    unused_keys,
    unwrap,
    wrap,
    wrapping_keys,
)
from shared.domain.entities import Place
from shared.domain.times import MS
from shared.domain.webhooks import (
    PLACE_OF_WEBHOOK_KEYS,
    EncryptedSecret,
    Webhook,
    WebhookKeys,
    WrappedKey,
)
from shared.ports.conflicts import AlreadyThere
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_when_stale
from shared.services.record_batches import all_entities

UNUSED_KEPT_FOR = timedelta(hours=1)  # Longer than a write that was begun with an earlier key.
# What a round gave new secrets to before a later copy leaked, needs others.
ROUND_GOES_ON_FOR = timedelta(hours=1)

_ID_LENGTH = 10  # Base62, like the ids of webhooks.

Key = tuple[str, bytes]  # The id of a key that encrypts, and the key.


class WebhookSecrets:
    """Encrypts secrets of webhooks with keys of their own, which are stored encrypted with the keys
    of the registry.

    Keys that were decrypted stay in memory: the key of an id never changes. Whatever needs a key of
    the registry raises `SigningKeyUnavailable` while it cannot be read. A key of webhooks that no
    key of the registry decrypts is lost, and so are the secrets that it encrypted.
    """

    def __init__(
        self, directory: DirectoryStore, keys: SigningKeys, clock: Clock, randomness: Randomness
    ) -> None:
        """Read keys of webhooks from `directory`, and decrypt them with `keys`."""
        self._directory = directory
        self._keys = keys
        self._clock = clock
        self._randomness = randomness
        self._known = dict[str, bytes]()

    async def encrypt(self, secret: str, place: Place) -> EncryptedSecret:
        """Encrypt the secret of the webhook at the place."""
        return self._encrypted(secret, place, await self._current())

    async def of(self, webhook: Webhook) -> tuple[str, ...]:
        """Return the secrets to sign with, the current one first; none if it is not there."""
        now_ms = self._clock.now_ms()
        current = await self._secret(webhook, webhook.encrypted, webhook.secret)
        if not current:
            return ()
        old = ""
        if webhook.signs_with_old(now_ms):
            old = await self._secret(webhook, webhook.old_encrypted, webhook.old_secret)
        return (current, old) if old else (current,)

    async def missing(self, webhooks: Iterable[Webhook]) -> frozenset[str]:
        """Return the ids of those that need a new secret: they came from a snapshot, or the key
        that encrypted their secrets is lost."""
        return frozenset([each.id for each in webhooks if not await self.of(each)])

    async def all_missing(self) -> Sequence[Webhook]:
        """Return all webhooks of the registry that need a new secret."""
        webhooks = await all_entities(self._directory, Webhook)
        missing = await self.missing(webhooks)
        return [each for each in webhooks if each.id in missing]

    async def newest_made_ms(self) -> int | None:
        """Return when the newest key was made; None if there is none yet."""
        stored = await self._directory.get(WebhookKeys, PLACE_OF_WEBHOOK_KEYS)
        return stored.keys[0].made_ms if stored else None

    async def encrypt_clear(self, webhooks: Iterable[Webhook]) -> int:
        """Encrypt the secrets that earlier versions stored in clear; return of how many webhooks. A
        repeat goes on with those that are left."""
        places = [each.place for each in webhooks if each.has_clear_secret]
        for place in places:
            await self._encrypt_clear(place)
        return len(places)

    async def renew_keys(self, webhooks: Sequence[Webhook]) -> None:
        """Encrypt the keys also with keys of the registry that are new, and delete those that
        encrypt no secret of the webhooks of the registry, which are given."""
        stored = await self._directory.get(WebhookKeys, PLACE_OF_WEBHOOK_KEYS)
        if stored is None:
            return
        await self._keys.ready()
        wrapping = wrapping_keys(self._keys.ring)
        now_ms = self._clock.now_ms()
        used = [each.encrypted.key for each in webhooks if each.encrypted]
        used += [
            each.old_encrypted.key
            for each in webhooks
            if each.old_encrypted and each.signs_with_old(now_ms)
        ]
        unused = unused_keys(stored.keys, used, now_ms - UNUSED_KEPT_FOR // MS)
        for each in unused:
            self._known.pop(each, None)
        keys = tuple(
            rewrapped(each, wrapping, self._randomness)
            for each in stored.keys
            if each.id not in unused
        )
        if keys != stored.keys:
            await self._directory.replace(stored.model_copy(update={"keys": keys}))

    @retried_when_stale
    async def begin_round(self) -> str:
        """Return the id of the key of a round that gives every webhook a new secret. A round that
        was begun within the last hour and ended early goes on; else a key is made."""
        stored = await self._directory.get(WebhookKeys, PLACE_OF_WEBHOOK_KEYS)
        since_ms = self._clock.now_ms() - ROUND_GOES_ON_FOR // MS
        if stored is not None and stored.keys[0].for_all and stored.keys[0].made_ms > since_ms:
            webhooks = await all_entities(self._directory, Webhook)
            newest = stored.keys[0].id
            if any(each.encrypted is None or each.encrypted.key != newest for each in webhooks):
                return newest
        key_id, _ = await self._add_key(stored, for_all=True)
        return key_id

    @retried_when_stale
    async def _current(self) -> Key:
        """Return the key that encrypts; make one where there is none, or the last one is lost."""
        stored = await self._directory.get(WebhookKeys, PLACE_OF_WEBHOOK_KEYS)
        if stored is not None:
            newest = stored.keys[0]
            key = await self._unwrapped(newest)
            if key is not None:
                return newest.id, key
        return await self._add_key(stored, for_all=False)

    async def _add_key(self, stored: WebhookKeys | None, *, for_all: bool) -> Key:
        """Store a new key before the others; raise `Stale`."""
        await self._keys.ready()
        key_id = random_text(self._randomness, _ID_LENGTH)
        key = self._randomness.token_bytes(KEY_BYTES)
        wrapped = wrap(key, key_id, wrapping_keys(self._keys.ring), self._randomness)
        made = WrappedKey(id=key_id, made_ms=self._clock.now_ms(), for_all=for_all, wrapped=wrapped)
        if stored is not None:
            keys = (made, *stored.keys)
            await self._directory.replace(stored.model_copy(update={"keys": keys}))
        else:
            try:
                await self._directory.add(WebhookKeys(keys=(made,)))
            except AlreadyThere:  # Another instance made the first one.
                return await self._current()
        self._known[key_id] = key
        return key_id, key

    @retried_when_stale
    async def _encrypt_clear(self, place: Place) -> None:
        webhook = await self._directory.get(Webhook, place)
        if webhook is None or not webhook.has_clear_secret:
            return
        key = await self._current()
        changes: Mapping[str, object] = {
            "encrypted": self._encrypted(webhook.secret, place, key) if webhook.secret else None,
            "old_encrypted": (
                self._encrypted(webhook.old_secret, place, key) if webhook.old_secret else None
            ),
            "secret": "",
            "old_secret": "",
        }
        await self._directory.replace(webhook.model_copy(update=changes))

    def _encrypted(self, secret: str, place: Place, key: Key) -> EncryptedSecret:
        return encrypt_secret(secret, place, *key, self._randomness)

    async def _secret(self, webhook: Webhook, encrypted: EncryptedSecret | None, clear: str) -> str:
        """Return a secret of a webhook; empty if it is not there."""
        if encrypted is None:
            return clear
        key = await self._key(encrypted.key)
        if key is None:
            return ""
        try:
            return decrypt_secret(encrypted, webhook.place, key)
        except Undecryptable:
            return ""

    async def _key(self, key_id: str) -> bytes | None:
        if key_id in self._known:
            return self._known[key_id]
        stored = await self._directory.get(WebhookKeys, PLACE_OF_WEBHOOK_KEYS)
        found = [each for each in stored.keys if each.id == key_id] if stored else []
        return await self._unwrapped(found[0]) if found else None

    async def _unwrapped(self, stored: WrappedKey) -> bytes | None:
        """Return a key of webhooks; None if it is lost."""
        if stored.id in self._known:
            return self._known[stored.id]
        await self._keys.ready()
        key = unwrap(stored, wrapping_keys(self._keys.ring))
        # Another instance may know a key of the registry that is new here.
        if key is None and await self._keys.reread():
            key = unwrap(stored, wrapping_keys(self._keys.ring))
        if key is not None:
            self._known[stored.id] = key
        return key
