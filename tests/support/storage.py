"""Where the registries of tests store their data: in folders, or in the cloud.

BALLROOM_TEST_STORAGE=cloud chooses the stores of the cloud, and four-instances those under four
instances of each registry.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from shared.bootstrap.adapters import cloud_adapters, embedded_adapters
from shared.bootstrap.migration import migrate
from shared.ports.system import Clock
from shared.services.adapters import Adapters
from shared.settings import Settings
from tests.reaching import CLOUD, FOUR_INSTANCES, ONE_MACHINE, STORAGE_VARIABLE


class Storage(Protocol):
    """One kind of storage. What a registry stores is found by its data folder, which the arguments
    below are."""

    def settings(self) -> dict[str, str]:
        """Return the settings that select this kind."""
        ...

    async def new_stores(self, settings: Settings, clock: Clock) -> Adapters:
        """Return stores that are empty."""
        ...

    async def stores(self, settings: Settings, clock: Clock) -> Adapters:
        """Return the stores of a folder that was made or copied before."""
        ...

    async def instances(self, settings: Settings, clock: Clock) -> list[Adapters]:
        """Return the same stores for each instance of the registry that serves them."""
        ...

    def copy(self, source: Path, target: Path) -> None:
        """Make a new folder of what a template stores."""
        ...

    def forget(self, folder: Path) -> None:
        """Let go of what is not in the folder itself."""
        ...

    def elsewhere(self, folder: Path) -> dict[str, httpx.AsyncBaseTransport]:
        """Return how clients reach addresses beside the registry's own that answers name."""
        ...


class Folders:
    """The stores of one machine."""

    def settings(self) -> dict[str, str]:
        """Return nothing: they are the default."""
        return {}

    async def new_stores(self, settings: Settings, clock: Clock) -> Adapters:
        """Return stores that are empty."""
        migrate(settings)
        return await self.stores(settings, clock)

    async def stores(self, settings: Settings, clock: Clock) -> Adapters:
        """Return the stores of the folder."""
        return embedded_adapters(settings, clock)

    async def instances(self, settings: Settings, clock: Clock) -> list[Adapters]:
        """Return those of one instance."""
        return [await self.stores(settings, clock)]

    def copy(self, source: Path, target: Path) -> None:
        """Copy the folder."""
        shutil.copytree(source, target)

    def forget(self, folder: Path) -> None:
        """Do nothing: the folder is all there is."""

    def elsewhere(self, folder: Path) -> dict[str, httpx.AsyncBaseTransport]:
        """Return nothing: every address is the registry's."""
        return {}


class Clouds:
    """The doubles of Cosmos DB and of Blob Storage in this process."""

    def settings(self) -> dict[str, str]:
        """Return where nobody connects to: the doubles need no address."""
        from tests.fakes.blob_double import ADDRESS, CONNECTION

        return {
            "cosmos_endpoint": "https://cosmos.test",
            "blob_endpoint": ADDRESS,
            "blob_connection": CONNECTION,
            "link_key": "of tests: nobody outside will ever see what this one signs",
        }

    async def new_stores(self, settings: Settings, clock: Clock) -> Adapters:
        """Return stores that are empty."""
        return await self.stores(settings, clock)

    async def stores(self, settings: Settings, clock: Clock) -> Adapters:
        """Return the stores, which may be there already."""
        from tests.support.cloud_stores import CloudInMemory

        return cloud_adapters(settings, clock, CloudInMemory(settings.data, clock))

    async def instances(self, settings: Settings, clock: Clock) -> list[Adapters]:
        """Return those of one instance."""
        return [await self.stores(settings, clock)]

    def copy(self, source: Path, target: Path) -> None:
        """Copy the records and the blobs."""
        from tests.support.cloud_stores import copy_double

        target.mkdir()
        copy_double(source, target)

    def forget(self, folder: Path) -> None:
        """Let go of the records and the blobs."""
        from tests.support.cloud_stores import forget

        forget(folder)

    def elsewhere(self, folder: Path) -> dict[str, httpx.AsyncBaseTransport]:
        """Return the way to the blobs, which signed links lead to."""
        from tests.fakes.blob_double import ADDRESS
        from tests.fakes.blob_transport import LinkTransport
        from tests.support.cloud_stores import blob_double_at

        return {ADDRESS: LinkTransport(lambda: blob_double_at(folder))}


class FourInstances(Clouds):
    """The stores of the cloud, which four instances serve."""

    def __init__(self) -> None:
        self._changes: dict[Path, Counter[str]] = {}  # By folder.

    async def instances(self, settings: Settings, clock: Clock) -> list[Adapters]:
        """Return those of each instance."""
        from tests.support.instances import INSTANCES

        return [self._instance(settings, clock) for _ in range(INSTANCES)]

    def _instance(self, settings: Settings, clock: Clock) -> Adapters:
        from tests.fakes.cosmos.transport import DoubleTransport
        from tests.support.cloud_stores import CloudInMemory
        from tests.support.instances import Changes, as_instance, clock_of_packages

        changes = Changes(self._changes.setdefault(settings.data, Counter()))

        connections = CloudInMemory(
            settings.data, clock, transport=lambda double: DoubleTransport(double, changes.note)
        )
        instance_clock = clock_of_packages(clock, changes)
        stores = cloud_adapters(settings, instance_clock, connections)
        return as_instance(stores, clock, changes)

    def forget(self, folder: Path) -> None:
        """Let go of the records, and of how many changes there were."""
        super().forget(folder)
        self._changes.pop(folder, None)


_CHOSEN = os.environ.get(STORAGE_VARIABLE, "")
IN_THE_CLOUD = _CHOSEN in (CLOUD, FOUR_INSTANCES)
_KINDS: dict[str, Callable[[], Storage]] = {CLOUD: Clouds, FOUR_INSTANCES: FourInstances}
STORAGE: Storage = _KINDS.get(_CHOSEN, Folders)()


def one_machine(reason: str) -> pytest.MarkDecorator:
    """Return the mark of tests that are about a registry on one machine alone."""
    return pytest.mark.skipif(IN_THE_CLOUD, reason=f"{ONE_MACHINE}: {reason}")


def one_instance(reason: str) -> pytest.MarkDecorator:
    """Return the mark of tests that look into the one instance that serves them."""
    return pytest.mark.one_instance(f"over one instance only: {reason}")
