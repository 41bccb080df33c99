"""Row 19: what an operator withholds is on no page, in no file or list, at once."""

from datetime import timedelta
from typing import Any, cast

import pytest
from msgspec.structs import replace

from functions.web.package.frame import TAB_PAGES
from shared.domain.coordinates import Coordinate
from shared.domain.packages import FoundRelease
from shared.domain.principals import OPERATOR
from shared.ports.metadata import MetadataStore, ReadCheck
from shared.services.adapters import Adapters
from tests.protocol.web.page_reader import opened
from tests.protocol.web.sample_packages import fill
from tests.support.world import OpenWorld, World

SHOP = Coordinate.parse("other", "shop", "0.1.0")
AT = "/packages/other/shop"
OF_RELEASE = [
    AT,
    f"{AT}/0.1.0",
    *(f"{AT}/0.1.0/{key}" for key in TAB_PAGES if key != "readme"),
    *(f"{AT}/{end}" for end in ("latest", "versions", "latest/files")),
    "/files/other/shop/0.1.0/package.json",
    f"{AT}/0.1.0/files?path=package.json",
]
LISTS = ["/llms.txt", "/packages/acme/greet/1.2.0/dependents"]
STATES = ["hold", "quarantine", "remove"]


@pytest.fixture(params=STATES)
async def withheld(request: pytest.FixtureRequest, world: World) -> World:
    """Return a registry where everything was looked at before a release was withheld."""
    await fill(world)
    for path in (*OF_RELEASE, *LISTS):
        assert (await opened(world, path)).status_code == 200, path
    world.clock.advance(timedelta(seconds=1))
    await getattr(world.registry.publishing.moderation, request.param)(SHOP, "malware", by=OPERATOR)
    return world


async def test_no_page_of_a_withheld_release_exists_for_anybody(withheld: World) -> None:
    people = withheld.people
    for path in OF_RELEASE:
        for accept in ("", "text/markdown"):
            for who in (None, people.bob, people.admin):
                answer = await opened(withheld, path, accept=accept, by=who)
                assert answer.status_code == 404, path
                assert "malware" not in answer.text


async def test_no_list_names_a_withheld_release(withheld: World) -> None:
    for path in LISTS:
        answer = await opened(withheld, path)
        assert answer.status_code == 200
        assert "other/shop" not in answer.text


class ChangedMeanwhile:
    """A metadata store in which releases disappear after their packages were listed."""

    is_changing = False

    def __init__(self, metadata: MetadataStore) -> None:
        self._metadata = metadata

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metadata, name)

    async def find(
        self, coordinate: Coordinate, /, *, check: ReadCheck | None = None
    ) -> FoundRelease:
        """Return the package, without the release from some time on."""
        found = await self._metadata.find(coordinate, check=check)
        return replace(found, release=None) if self.is_changing else found


async def test_a_release_that_is_removed_while_its_page_is_made_is_missing(
    worlds: OpenWorld,
) -> None:
    wrapped: list[ChangedMeanwhile] = []

    def wrap(stores: Adapters) -> Adapters:
        wrapped.append(ChangedMeanwhile(stores.metadata))
        return replace(stores, metadata=cast("MetadataStore", wrapped[0]))

    world = await worlds(wrap=wrap)
    await fill(world)
    wrapped[0].is_changing = True
    for path in (AT, f"{AT}/0.1.0", f"{AT}/latest", f"{AT}/versions"):
        assert (await opened(world, path)).status_code == 404, path
