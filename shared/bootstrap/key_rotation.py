"""New keys in the data folder."""

import asyncio
from datetime import timedelta

from shared.adapters.data_folder import DataFolder
from shared.adapters.embedded import open_embedded
from shared.adapters.system import SystemClock, SystemRandomness
from shared.auth.log_keys import log_key_file
from shared.auth.release_keys import release_key_file
from shared.auth.signing_keys import SigningKeyFolder
from shared.bootstrap.build import build_registry
from shared.bootstrap.data_folder import require_folder
from shared.domain.times import MS
from shared.domain.webhooks import Webhook
from shared.services.record_batches import all_entities
from shared.settings import Settings


def rotate_keys(settings: Settings) -> None:
    """Make a new key in the data folder; the processes that start next sign with it.

    The keys of webhooks are encrypted with the last key first, which stays valid: so no webhook
    loses its secret, however often the key is rotated before the registry starts again.
    """
    require_folder(settings, "Its key is in the key vault: infra/keys.sh VAULT rotate.")
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
    require_folder(settings, way_out)
    clock = SystemClock()
    release_key_file(DataFolder(settings.data).keys, clock).rotate(clock.now_ms())


def rotate_log_key(settings: Settings, overlap: timedelta) -> int:
    """Make a new key of the log; return until when the one before signs as well."""
    way_out = "Its keys are in the key vault: infra/keys.sh VAULT rotate-log-key DAYS."
    require_folder(settings, way_out)
    clock = SystemClock()
    until_ms = clock.now_ms() + overlap // MS
    log_key_file(DataFolder(settings.data).keys, clock, SystemRandomness()).rotate(until_ms)
    return until_ms
