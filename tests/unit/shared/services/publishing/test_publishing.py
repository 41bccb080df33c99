"""Two pushes of one version at the same moment."""

from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.domain.errors.packages import VersionExists
from shared.domain.grants import Grant
from shared.domain.packages import Release
from shared.domain.principals import Principal
from shared.ports.conflicts import AlreadyThere
from shared.ports.metadata import MetadataStore
from shared.services.publishing.publishing import Upload
from tests.support.archives import bala
from tests.support.world import World


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
    publishing = replace(world.registry.publishing.releases, metadata=metadata)
    publication = await publishing.push(Upload(bala("acme/greet:1.0.0")), by=owner(world))
    release = publication.release
    found = await world.stores.metadata.find(release.coordinate)
    assert found.release is not None
    assert found.release.coordinate == release.coordinate
    with pytest.raises(VersionExists) as refused:
        await publishing.push(Upload(bala("acme/greet:1.0.0", readme="Other.")), by=owner(world))
    differs = "This archive differs from the published one in docs/README.md."
    assert str(refused.value) == str(VersionExists(release.coordinate, differs))
