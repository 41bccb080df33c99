"""The migration of the stores before a registry is served."""

import asyncio
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from shared.adapters.backup import Report, report_nothing
from shared.adapters.data_folder import DataFolder, lock_path
from shared.adapters.disk_errors import translate_full_disk
from shared.adapters.embedded import open_embedded, require_registry
from shared.adapters.serving_processes import require_alone
from shared.adapters.system import SystemClock, SystemRandomness
from shared.adapters.upgrade_backups import upgrading
from shared.auth.signing_keys import SigningKeyFolder
from shared.bootstrap.adapters import search_index
from shared.bootstrap.build import build_registry
from shared.bootstrap.keys import key_files
from shared.domain.errors.base import Refusal
from shared.domain.sentences import counted
from shared.domain.webhooks import Webhook
from shared.runtime.private_files import hold_file_lock
from shared.services.record_batches import all_entities
from shared.settings import Settings


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
    search_index(DataFolder(settings.data)).migrate()
    keys = DataFolder(settings.data).keys
    SigningKeyFolder(keys, SystemClock(), SystemRandomness()).load()
    for each in key_files(keys):
        each.make_missing()
    has_clear_secrets = embedded.has_clear_secrets()
    embedded.close()
    if has_clear_secrets:
        with ThreadPoolExecutor(1) as thread:  # The caller may have an event loop.
            thread.submit(asyncio.run, _encrypt_secrets(settings, report)).result()


def create_stores(settings: Settings) -> None:
    """Create the stores of a data folder that no start has prepared, or an interrupted one.

    Raises `DatabaseLost` if the folder has parts of a registry, and not its database.
    """
    require_registry(settings.data)
    with prepared_stores(settings):
        pass


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
            f"Encrypted the secrets of {counted(changed, 'webhook')} in {seconds:.1f} s. Copies "
            f"made earlier, such as those in {copies}, still contain them in clear text. Delete "
            "those you no longer need, or run `ballroom webhook rotate --all`."
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
