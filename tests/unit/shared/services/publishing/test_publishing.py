"""Pushes that meet others at the same moment, or a store that fails."""

import asyncio
from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.domain.errors.base import Unavailable
from shared.domain.errors.packages import SpelledDifferently, VersionExists
from shared.domain.grants import Grant
from shared.domain.packages import Release
from shared.domain.principals import Principal
from shared.domain.visibility import Visibility
from shared.ports.conflicts import AlreadyThere
from shared.ports.metadata import MetadataStore
from shared.services.adapters import Adapters
from shared.services.publishing.publishing import Upload
from tests.contract.sample_records import head
from tests.support.archives import bala
from tests.support.port_doubles import Fault, Proceed, failing, intercepted
from tests.support.world import OpenWorld, World


def owner(world: World, credential: str = "session") -> Principal:
    """Return Ann, who owns `acme`."""
    return Principal(world.people.ann.account.id, credential, (Grant(),))


class TakenMeanwhile:
    """A store in which somebody else adds each release first."""

    def __init__(self, store: MetadataStore) -> None:
        self._store = store

    async def add_release(self, release: Release) -> None:
        await self._store.add_release(release)
        raise AlreadyThere

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def test_of_two_pushes_of_the_same_bytes_at_once_both_return_the_release(
    world: World,
) -> None:
    metadata = cast(MetadataStore, TakenMeanwhile(world.stores.metadata))
    publishing = world.registry.publishing.releases
    publishing = replace(publishing, storing=replace(publishing.storing, metadata=metadata))
    publication = await publishing.push(Upload(bala("acme/greet:1.0.0")), by=owner(world))
    release = publication.release
    found = await world.stores.metadata.find(release.coordinate)
    assert found.release is not None
    assert found.release.coordinate == release.coordinate
    with pytest.raises(VersionExists) as refused:
        await publishing.push(Upload(bala("acme/greet:1.0.0", readme="Other.")), by=owner(world))
    differs = "This archive differs from the published one in docs/README.md."
    assert str(refused.value) == str(VersionExists(release.coordinate, differs))


async def test_a_push_that_is_refused_by_the_name_of_its_package_owns_no_tool_id(
    worlds: OpenWorld,
) -> None:
    async def intercept(_method: str, proceed: Proceed) -> Any:
        # Somebody else claims the name in another spelling first.
        other = head("acme/Greet", visibility=Visibility.PUBLIC)
        await stores[0].claim(other)
        return await proceed()

    stores = list[MetadataStore]()

    def wrap(adapters: Adapters) -> Adapters:
        stores.append(adapters.metadata)
        return replace(adapters, metadata=intercepted(adapters.metadata, intercept, ("claim",)))

    world = await worlds(wrap=wrap)
    pushed = bala("acme/greet:1.0.0", tools=["greeter"])
    with pytest.raises(SpelledDifferently):
        await world.registry.publishing.releases.push(Upload(pushed), by=owner(world))
    assert await world.stores.metadata.tool_owners(["greeter"]) == [None]


async def test_nothing_is_stored_after_the_answer_of_a_push_whose_store_fails(
    worlds: OpenWorld,
) -> None:
    """So do releases of other registries, which are stored by the same service."""
    stored = list[str]()

    async def intercept(method: str, proceed: Proceed) -> Any:
        await asyncio.sleep(0.01)
        stored.append(method)
        return await proceed()

    def wrap(adapters: Adapters) -> Adapters:
        fault = Fault("put", Unavailable("busy", "Later."))
        slow = intercepted(adapters.documents, intercept, ("put", "put_attestation"))
        return replace(adapters, archives=failing(adapters.archives, fault), documents=slow)

    world = await worlds(wrap=wrap)
    with pytest.raises(Unavailable):
        await world.registry.publishing.releases.push(
            Upload(bala("acme/greet:1.0.0")), by=owner(world)
        )
    assert sorted(stored) == ["put", "put_attestation"]
