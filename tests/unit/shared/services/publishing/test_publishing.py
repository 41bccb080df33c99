"""Who publishes what: rights, spellings, tools, visibility, and what a refused push is told."""

from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.domain.errors.packages import VersionExists
from shared.domain.names import Package
from shared.domain.packages import Release
from shared.domain.principals import Grant, Principal
from shared.ports import AlreadyThere, MetadataStore
from shared.services.publishing.publishing import Publishing, Upload
from tests.support.archives import bala
from tests.support.world import World


class Asked(Authorization, frozen=True):
    """Rights that note who was asked whether they publish anywhere."""

    by: tuple[list[str], ...] = ()

    async def require_publisher(self, by: Principal, of: Package | None = None) -> None:
        """Note the credential."""
        self.by[0].append(by.credential)
        await super().require_publisher(by, of)


def owner(world: World, credential: str = "session") -> Principal:
    """Return Ann, who owns `acme`."""
    return Principal(world.people.ann.account.id, credential, (Grant(),))


async def push(world: World, archive: bytes, by: Principal | None = None) -> Release:
    return (
        await world.registry.publishing.releases.push(Upload(archive), by=by or owner(world))
    ).release


@pytest.fixture
def asked(world: World) -> tuple[Publishing, list[str]]:
    """Return the service with the credentials that it asks about."""
    publishing = world.registry.publishing.releases
    there, credentials = publishing.authorization, list[str]()
    noting = Asked(there.directory, there.clock, there.readers, by=(credentials,))
    return replace(publishing, authorization=noting), credentials


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
    assert str(refused.value) == str(VersionExists(release.coordinate))
