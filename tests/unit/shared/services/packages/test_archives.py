"""Archives: links to them, and moving each to its container."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from shared.domain.archives.delivery import PLACEMENT_SETTLED_AFTER
from shared.domain.archives.names import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.packages import FoundRelease, Readers, Visibility
from shared.domain.principals import OPERATOR
from shared.ports import MetadataStore, ReadCheck
from shared.services.common import Adapters
from shared.services.packages.archives import ArchiveRelocation
from tests.fakes.archive_placement import STORE, FakeEdge, FakeLinks, PlacedArchives
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.refusals import raises_refusal
from tests.support.world import URL, OpenWorld, Person, World

GREET = bala("acme/greet:1.0.0")
SECRET = bala("acme/secret:1.0.0", visibility="private")
CDN = "https://cdn.test"
TAIL = "1.0.0/acme-greet-any-1.0.0.bala"
OURS = f"{URL}/archives/public/{Digest.of(GREET)}/{TAIL}"


async def opened(worlds: OpenWorld, links: FakeLinks | None = None, **settings: object) -> World:
    """Open a registry in a cloud, with a public and a private package."""

    def wrap(stores: Adapters) -> Adapters:
        return replace(stores, links=links or FakeLinks())

    world = await worlds(wrap=wrap, **settings)
    for archive in (GREET, SECRET):
        await world.push(archive)
    return world


async def hop(world: World, path: str = "acme/greet", by: Person | None = None) -> httpx.Response:
    """Return the first hop of a pull."""
    answer = await world.get(f"/packages/{path}/1.0.0", by=by, headers=dict(ACCEPT_ARCHIVE))
    assert answer.status_code == 302
    return answer


async def test_while_there_are_no_links_the_bytes_are_ours_to_send(worlds: OpenWorld) -> None:
    world = await opened(worlds, FakeLinks(is_silent=True))
    assert (await hop(world)).headers["location"] == OURS


async def test_a_cdn_that_strips_authorization_is_for_everybody(worlds: OpenWorld) -> None:
    world = await opened(worlds, archive_cdn_url=CDN)
    for by in (None, world.people.bob):
        assert (await hop(world, by=by)).headers["location"] == OURS.replace(URL, CDN)
    private = await hop(world, "acme/secret", world.people.ann)
    assert private.headers["location"].startswith(f"{URL}/archives/private/")


READS_BLOBS: dict[str, Any] = {"archive_cdn_url": CDN, "archive_cdn_origin": "blobs"}
ODD = bala("foo/foo:1.0.0")  # A package whose archives clients save under a shorter name.


async def test_a_cdn_that_reads_blobs_serves_everybody_by_the_name_of_the_blob(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds, **READS_BLOBS)
    await world.push(ODD, by=world.people.admin)
    for by in (None, world.people.bob):
        answer = await hop(world, by=by)
        assert answer.headers["location"] == OURS.replace(URL, CDN)
        assert answer.headers["cache-control"] == "no-store"
        odd = await hop(world, "foo/foo", by=by)
        assert odd.headers["location"].endswith("/1.0.0/foo-foo-any-1.0.0.bala")
        assert odd.headers["content-disposition"] == "attachment; filename=foo-any-1.0.0.bala"


async def test_the_registry_knows_an_archive_by_the_name_of_its_blob_too(worlds: OpenWorld) -> None:
    world = await opened(worlds, **READS_BLOBS)
    await world.push(ODD, by=world.people.admin)
    path = (await hop(world, "foo/foo")).headers["location"].removeprefix(CDN)
    answer = await world.get(f"{URL}{path}")
    assert answer.content == ODD
    assert answer.headers["content-disposition"] == "attachment; filename=foo-any-1.0.0.bala"


async def test_a_cdn_that_reads_blobs_is_not_asked_for_one_that_may_be_missing(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds, **READS_BLOBS)
    package = Package.parse("acme", "greet")
    for wanted in (Visibility.PRIVATE, Visibility.PUBLIC):
        await world.registry.packages.visibility.change(
            package, wanted, by=OPERATOR, reason="It was decided."
        )
    for by in (None, world.people.bob):
        link = (await hop(world, by=by)).headers["location"]
        assert link.startswith(f"{URL}/archives/private/")
        assert (await world.get(link, by=by)).content == GREET
    world.clock.advance(PLACEMENT_SETTLED_AFTER + timedelta(seconds=1))
    assert (await hop(world)).headers["location"].startswith(CDN)


async def test_the_maven_face_sends_its_clients_there_too(worlds: OpenWorld) -> None:
    world = await opened(worlds)
    url = f"{URL}/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala"
    answer = await world.get(url)
    assert answer.headers["location"].startswith(STORE)
    assert answer.headers["cache-control"] == "private, no-store"
    ours = await world.get(url, by=world.people.ann)
    assert ours.headers["location"] == OURS


MAVEN_SECRET = f"{URL}/2.0/maven/acme/secret/1.0.0/secret-1.0.0.bala"
CENTRAL_SECRET = f"{URL}/2.0/registry/packages/acme/secret/1.0.0"


@pytest.mark.parametrize(
    ("url", "agent", "is_sent_to_the_store"),
    [
        (CENTRAL_SECRET, "curl/8.14.1", True),
        (MAVEN_SECRET, "curl/8.14.1", True),
        (CENTRAL_SECRET, "2201.13.2", False),  # `bal`, which repeats its token.
        (CENTRAL_SECRET, "of nobody we know", False),
    ],
)
async def test_a_private_archive_comes_from_the_store_where_the_client_keeps_its_token_here(
    worlds: OpenWorld, url: str, agent: str, *, is_sent_to_the_store: bool
) -> None:
    world = await opened(worlds)
    headers = {**dict(ACCEPT_ARCHIVE), "User-Agent": agent}
    answer = await world.get(url, by=world.people.ann, headers=headers)
    assert answer.status_code == 302
    where = f"{STORE}/private/" if is_sent_to_the_store else f"{URL}/archives/private/"
    assert answer.headers["location"].startswith(where)


async def test_a_private_pull_of_bal_by_maven_passes_no_byte_through_the_registry(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds)
    ann = world.maven(world.people.ann)
    answer = await ann.send("GET", "acme/secret/1.0.0/secret-1.0.0.bala")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{STORE}/private/")
    assert answer.headers["cache-control"] == "private, no-store"


PUBLIC = Visibility.PUBLIC
PRIVATE = Visibility.PRIVATE
PACKAGE = Package.parse("acme", "greet")
FIRST = Coordinate.parse("acme", "greet", "1.0.0")
ARCHIVE = bala("acme/greet:1.0.0")
COPIES = f"/archives/public/{Digest.of(ARCHIVE)}/"


@dataclass
class Cloud:
    """What a registry was opened over."""

    links: FakeLinks = field(default_factory=FakeLinks)
    edge: FakeEdge | None = field(default_factory=FakeEdge)
    sided: list[PlacedArchives] = field(default_factory=list[PlacedArchives])

    def wrap(self, stores: Adapters) -> Adapters:
        """Put it around the stores."""
        self.sided.append(PlacedArchives(stores.archives))
        archives: object = self.sided[0]
        return replace(stores, links=self.links, edge=self.edge, archives=archives)

    @property
    def moves(self) -> list[tuple[str, Visibility]]:
        """Return the moves so far."""
        return self.sided[0].moves

    @property
    def forgotten(self) -> list[str]:
        """Return what the caches forgot so far."""
        return self.edge.forgotten if self.edge else []


@pytest.fixture
def cloud() -> Cloud:
    """Return a cloud with caches before it."""
    return Cloud()


@pytest.fixture
async def world(worlds: OpenWorld, cloud: Cloud) -> World:
    """Return a registry in the cloud with two releases."""
    world = await worlds(wrap=cloud.wrap)
    for archive in (ARCHIVE, bala("acme/greet:1.1.0")):
        await world.push(archive)
    return world


@pytest.mark.parametrize("act", ["hold", "quarantine", "remove"])
async def test_a_withheld_release_leaves_the_public_container_and_the_caches(
    world: World, cloud: Cloud, act: str
) -> None:
    await getattr(world.registry.publishing.moderation, act)(FIRST, "reported", by=OPERATOR)
    assert cloud.moves == [(str(FIRST), PRIVATE)]
    assert cloud.forgotten == [COPIES]


async def test_a_restored_release_returns_without_a_purge(world: World, cloud: Cloud) -> None:
    await world.registry.publishing.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    await world.registry.publishing.moderation.restore(FIRST, by=OPERATOR)
    assert cloud.moves == [(str(FIRST), PRIVATE), (str(FIRST), PUBLIC)]
    assert cloud.forgotten == [COPIES]


async def test_a_package_takes_all_its_archives_with_it(world: World, cloud: Cloud) -> None:
    await world.registry.packages.visibility.change(
        PACKAGE, PRIVATE, by=OPERATOR, reason="It was decided."
    )
    both = {"acme/greet:1.0.0", "acme/greet:1.1.0"}
    assert set(cloud.moves) == {(each, PRIVATE) for each in both}
    assert len(cloud.forgotten) == 2
    cloud.moves.clear()
    await world.registry.packages.visibility.change(PACKAGE, PUBLIC, by=OPERATOR)
    assert set(cloud.moves) == {(each, PUBLIC) for each in both}
    assert len(cloud.forgotten) == 2


async def test_a_withheld_release_stays_private_when_its_package_becomes_public(
    world: World, cloud: Cloud
) -> None:
    await world.registry.packages.visibility.change(
        PACKAGE, PRIVATE, by=OPERATOR, reason="It was decided."
    )
    await world.registry.publishing.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    cloud.moves.clear()
    await world.registry.packages.visibility.change(PACKAGE, PUBLIC, by=OPERATOR)
    assert set(cloud.moves) == {(str(FIRST), PRIVATE), ("acme/greet:1.1.0", PUBLIC)}


def refuse_moves(cloud: Cloud) -> None:
    """Let the next move come to nothing."""
    cloud.sided[0].failures = 1


def refuse_purges(cloud: Cloud) -> None:
    """Let the caches take no orders for now."""
    assert cloud.edge
    cloud.edge.is_silent = True


@pytest.mark.parametrize("break_", [refuse_moves, refuse_purges])
async def test_upkeep_finishes_what_was_broken_off(
    world: World, cloud: Cloud, break_: Callable[[Cloud], None]
) -> None:
    break_(cloud)
    with raises_refusal("not-listed-yet"):
        await world.registry.publishing.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    found = await world.stores.metadata.find(FIRST)
    assert found.release
    assert found.release.outbox
    assert cloud.edge
    cloud.edge.is_silent = False
    report = await world.registry.maintenance.upkeep.run("process-outboxes")
    assert report
    assert report.problems == ()
    assert cloud.moves[-1] == (str(FIRST), PRIVATE)
    assert cloud.forgotten == [COPIES]
    found = await world.stores.metadata.find(FIRST)
    assert found.release
    assert not found.release.outbox


@dataclass
class Overtaken:
    """Records in which a release is restored while its quarantine is still being followed."""

    metadata: MetadataStore
    world: World
    reads: int = 0

    async def find(
        self, coordinate: Coordinate, /, *, check: ReadCheck | None = None
    ) -> FoundRelease:
        """Read, and let the operator restore the release behind the back of the first reader."""
        found = await self.metadata.find(coordinate, check=check)
        self.reads += 1
        if self.reads == 1:
            await self.world.registry.publishing.moderation.restore(coordinate, by=OPERATOR)
        return found


async def test_a_move_that_was_overtaken_is_repeated(world: World, cloud: Cloud) -> None:
    quarantined = await world.registry.publishing.moderation.quarantine(
        FIRST, "reported", by=OPERATOR
    )
    cloud.moves.clear()
    overtaken = Overtaken(world.stores.metadata, world)
    archives: object = cloud.sided[0]
    relocation = ArchiveRelocation(overtaken, archives, None, Readers.EVERYBODY)  # pyright: ignore[reportArgumentType] - the parts that are called.
    await relocation.apply(quarantined)
    assert cloud.moves == [(str(FIRST), PUBLIC), (str(FIRST), PRIVATE), (str(FIRST), PUBLIC)]


async def test_a_missing_package_or_release_moves_nothing(world: World, cloud: Cloud) -> None:
    quarantined = await world.registry.publishing.moderation.quarantine(
        FIRST, "reported", by=OPERATOR
    )
    private = await world.registry.packages.visibility.change(
        PACKAGE, PRIVATE, by=OPERATOR, reason="It was decided."
    )
    cloud.moves.clear()
    archives: object = cloud.sided[0]
    relocation = ArchiveRelocation(world.stores.metadata, archives, None, Readers.EVERYBODY)  # pyright: ignore[reportArgumentType] - the same.
    await relocation.apply(quarantined.model_copy(update={"version": "9.9.9"}))
    await relocation.apply(private.model_copy(update={"name": "gone"}))
    assert cloud.moves == []
