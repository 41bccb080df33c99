"""Pushes that meet others at the same moment, or a store that fails."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.errors.base import Unavailable
from shared.domain.errors.packages import SpelledDifferently, VersionExists
from shared.domain.grants import Grant
from shared.domain.principals import Principal
from shared.domain.visibility import Visibility
from shared.ports.conflicts import AlreadyThere
from shared.services.adapters import Adapters
from shared.services.publishing.uploads import Upload
from tests.contract.sample_records import head
from tests.support.archives import bala
from tests.support.port_doubles import (
    Fault,
    Moment,
    OtherWriter,
    Proceed,
    intercepted,
)
from tests.support.waiting import eventually_in_tasks, let_tasks_run
from tests.support.world import OpenWorld, World


def owner(world: World, credential: str = "session") -> Principal:
    """Return Ann, who owns `acme`."""
    return Principal(world.people.ann.account.id, credential, (Grant(),))


async def test_of_two_pushes_of_the_same_bytes_at_once_both_return_the_release(
    world: World,
) -> None:
    fault = Fault("add_release", AlreadyThere(), Moment.AFTER)  # Somebody else adds it first.
    metadata = fault.over(world.stores.metadata)
    publishing = world.registry.publishing.releases
    publishing = replace(publishing, storing=replace(publishing.storing, metadata=metadata))
    publication = await publishing.push(Upload(bala("acme/greet:1.0.0")), by=owner(world))
    assert fault.calls == 1
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
    other_spelling = head("acme/Greet", visibility=Visibility.PUBLIC)
    other = OtherWriter("claim", lambda: world.stores.metadata.claim(other_spelling))
    world = await worlds(wrap=other.at("metadata"))
    pushed = bala("acme/greet:1.0.0", tools=["greeter"])
    with pytest.raises(SpelledDifferently):
        await world.registry.publishing.releases.push(Upload(pushed), by=owner(world))
    assert other.has_acted
    assert await world.stores.metadata.tool_owners(["greeter"]) == [None]


async def test_nothing_is_stored_after_the_answer_of_a_push_whose_store_fails(
    worlds: OpenWorld,
) -> None:
    """The same service stores releases of other registries."""
    stored = list[str]()
    may_store = asyncio.Event()
    fault = Fault("put", Unavailable("busy", "Later."))

    async def store_late(method: str, proceed: Proceed) -> Any:
        await may_store.wait()
        stored.append(method)
        return await proceed()

    def wrap(adapters: Adapters) -> Adapters:
        documents = intercepted(adapters.documents, store_late, ("put", "put_attestation"))
        return replace(adapters, archives=fault.over(adapters.archives), documents=documents)

    world = await worlds(wrap=wrap)
    upload = Upload(bala("acme/greet:1.0.0"))
    push = asyncio.create_task(world.registry.publishing.releases.push(upload, by=owner(world)))
    await eventually_in_tasks(lambda: fault.calls == 1)
    await let_tasks_run()
    assert not push.done()
    may_store.set()
    with pytest.raises(Unavailable):
        await push
    assert sorted(stored) == ["put", "put_attestation"]
