"""Where the registries of tests store their data: in folders, or in the cloud."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from shared.adapters.system import SystemClock
from shared.bootstrap import cloud_adapters, embedded_adapters, migrate
from shared.composition import Adapters
from shared.ports import Clock
from shared.settings import Settings


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
        from shared.adapters.blob.client import BlobContainers as Blobs
        from shared.adapters.blob.signed_links import BlobLinks
        from tests.support.cloud_stores import CloudDouble as AtPlace
        from tests.support.cloud_stores import make_containers

        connections = AtPlace(settings.data, clock)
        await make_containers(connections)
        # The emulator reads the real clock, and refuses what ended by it.
        links = BlobLinks(Blobs(connections.blobs, connections.prefix), SystemClock())
        return replace(cloud_adapters(settings, clock, connections), links=links)

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


IN_THE_CLOUD = os.environ.get("BALLROOM_TEST_WORLD") == "cloud"
PLACES: Places = Clouds() if IN_THE_CLOUD else Folders()


def one_machine(reason: str) -> pytest.MarkDecorator:
    """Return the mark of tests that are about a registry on one machine alone."""
    return pytest.mark.skipif(IN_THE_CLOUD, reason=f"on one machine only: {reason}")
