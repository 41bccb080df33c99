"""Where the registries of tests store their data: in folders, or in the cloud."""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import httpx
import pytest

from shared.adapters.system import SystemClock
from shared.bootstrap import cloud_adapters, embedded_adapters, migrate
from shared.composition import Adapters
from shared.ports import Clock
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.adapters.cloud import AzureClients


class Places(Protocol):
    """One kind of place; each is known by the data folder of its registry."""

    def settings(self) -> dict[str, str]:
        """Return the settings that select this kind."""
        ...

    async def new_stores(self, settings: Settings, clock: Clock) -> Adapters:
        """Return stores that are empty."""
        ...

    async def stores(self, settings: Settings, clock: Clock) -> Adapters:
        """Return the stores of a place that was made or copied before."""
        ...

    async def instances(self, settings: Settings, clock: Clock) -> list[Adapters]:
        """Return the same stores for each instance of the registry that serves them."""
        ...

    def copy(self, source: Path, target: Path) -> None:
        """Make a new place of what a template stores."""
        ...

    def forget(self, place: Path) -> None:
        """Let go of what is not in the folder itself."""
        ...

    def elsewhere(self) -> dict[str, httpx.AsyncBaseTransport]:
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

    def forget(self, place: Path) -> None:
        """Do nothing: the folder is all there is."""

    def elsewhere(self) -> dict[str, httpx.AsyncBaseTransport]:
        """Return nothing: every address is the registry's."""
        return {}


class Clouds:
    """The double of Cosmos DB in this process, and containers of an emulator of blobs."""

    def settings(self) -> dict[str, str]:
        """Return where nobody connects to: the double needs no address."""
        from tests.support.cloud_stores import emulator

        return {
            "cosmos_endpoint": "https://cosmos.test",
            "blob_endpoint": "https://blobs.test",
            "blob_connection": emulator(),
            "link_key": "of tests: nobody outside will ever see what this one signs",
        }

    async def new_stores(self, settings: Settings, clock: Clock) -> Adapters:
        """Return stores that are empty."""
        return await self.stores(settings, clock)

    async def stores(self, settings: Settings, clock: Clock) -> Adapters:
        """Return the stores, with containers that may be there already."""
        from tests.support.cloud_stores import CloudDouble as AtPlace

        return await _stores_at(AtPlace(settings.data, clock), settings, clock)

    async def instances(self, settings: Settings, clock: Clock) -> list[Adapters]:
        """Return those of one instance."""
        return [await self.stores(settings, clock)]

    def copy(self, source: Path, target: Path) -> None:
        """Copy the records; templates have no blobs."""
        from tests.support.cloud_stores import copy_double

        target.mkdir()
        copy_double(source, target)

    def forget(self, place: Path) -> None:
        """Let go of the records."""
        from tests.support.cloud_stores import forget

        forget(place)

    def elsewhere(self) -> dict[str, httpx.AsyncBaseTransport]:
        """Return the way to the emulator, which signed links lead to."""
        return {"http://127.0.0.1": httpx.AsyncHTTPTransport(verify=False)}


async def _stores_at(connections: "AzureClients", settings: Settings, clock: Clock) -> Adapters:
    from shared.adapters.blob.client import BlobContainers as Blobs
    from shared.adapters.blob.signed_links import BlobLinks
    from tests.support.cloud_stores import make_containers

    await make_containers(connections)
    # The emulator reads the real clock, and refuses what ended by it.
    links = BlobLinks(Blobs(connections.blobs, connections.prefix), SystemClock())
    return replace(cloud_adapters(settings, clock, connections), links=links)


class FourInstances(Clouds):
    """The stores of the cloud, which four instances serve."""

    def __init__(self) -> None:
        self._changes: dict[Path, Counter[str]] = {}  # By place.

    async def instances(self, settings: Settings, clock: Clock) -> list[Adapters]:
        """Return those of each instance."""
        from tests.support.instances import INSTANCES

        return [await self._instance(settings, clock) for _ in range(INSTANCES)]

    async def _instance(self, settings: Settings, clock: Clock) -> Adapters:
        from tests.fakes.cosmos.transport import DoubleTransport
        from tests.support.cloud_stores import CloudDouble as AtPlace
        from tests.support.instances import Changes, as_instance, clock_of_packages

        changes = Changes(self._changes.setdefault(settings.data, Counter()))

        connections = AtPlace(
            settings.data, clock, transport=lambda double: DoubleTransport(double, changes.note)
        )
        instance_clock = clock_of_packages(clock, changes)
        stores = await _stores_at(connections, settings, instance_clock)
        return as_instance(stores, clock, changes)

    def forget(self, place: Path) -> None:
        """Let go of the records, and of how many changes there were."""
        super().forget(place)
        self._changes.pop(place, None)


CLOUD, FOUR_INSTANCES = "cloud", "four-instances"
WORLD = os.environ.get("BALLROOM_TEST_WORLD", "")
IN_THE_CLOUD = WORLD in (CLOUD, FOUR_INSTANCES)
_KINDS: dict[str, Callable[[], Places]] = {CLOUD: Clouds, FOUR_INSTANCES: FourInstances}
PLACES: Places = _KINDS.get(WORLD, Folders)()


def one_machine(reason: str) -> pytest.MarkDecorator:
    """Return the mark of tests that are about a registry on one machine alone."""
    return pytest.mark.skipif(IN_THE_CLOUD, reason=f"on one machine only: {reason}")


def one_instance(reason: str) -> pytest.MarkDecorator:
    """Return the mark of tests that look into the one instance that serves them."""
    return pytest.mark.one_instance(f"over one instance only: {reason}")
