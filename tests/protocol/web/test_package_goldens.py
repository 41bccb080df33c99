"""Snapshots of the pages of packages: full, empty, refused, hostile, long, right to left."""

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from tests.protocol.web.page_reader import main_of, opened
from tests.protocol.web.sample_packages import publish
from tests.support.storage import one_machine
from tests.support.world import World

pytestmark = [pytest.mark.measured, pytest.mark.each_row]

GREET = "/packages/acme/greet"
STATISTICS = pytest.param(
    "statistics", marks=one_machine("its page says how soon pulls are counted there")
)
LONG = f"{'a' * 60}.{'a' * 60}"


async def golden(world: World, page: SnapshotAssertion, path: str, status: int = 200) -> None:
    """Compare the page at a path with its golden."""
    answer = await opened(world, path)
    assert answer.status_code == status
    assert main_of(answer) == page


PAGES = {
    "package": (GREET, 200),
    "deprecated_release": (f"{GREET}/1.1.0", 200),
    "pre_release": (f"{GREET}/2.0.0-rc.1", 200),
    "tool": ("/packages/acme/helper", 200),
    "package_that_is_not_there": ("/packages/acme/none", 404),
    "unknown_name": ("/packages/acme/%3Cscript%3E", 404),
    "mistyped_name": ("/packages/acme/gret", 404),
    "missing_version": (f"{GREET}/9.9.9", 404),
    "hostile_package": ("/packages/other/hostile", 200),
    "package_from_right_to_left": ("/packages/other/marhaban", 200),
    "long_package": (f"/packages/other/{LONG}", 200),
    "proof_of_a_release_that_is_being_logged": (f"{GREET}/1.2.0/proof", 200),
    "folder": (f"{GREET}/1.2.0/files?path=docs", 200),
    "file_that_is_no_text": (f"{GREET}/1.2.0/files?path=docs/icon.png", 200),
    "file_that_is_not_there": (f"{GREET}/1.2.0/files?path=none", 404),
}


@pytest.mark.parametrize("name", PAGES)
async def test_a_page(shelf: World, page: SnapshotAssertion, name: str) -> None:
    await golden(shelf, page, *PAGES[name])


async def test_a_private_package(shelf: World, page: SnapshotAssertion) -> None:
    answer = await opened(shelf, "/packages/acme/secret", by=shelf.people.mia)
    assert main_of(answer) == page


async def test_a_package_that_is_deprecated(own_shelf: World, page: SnapshotAssertion) -> None:
    words = Package.parse("acme", "words")
    await own_shelf.registry.packages.deprecation.deprecate_package(
        words, "Use greet.", by=OPERATOR
    )
    await golden(own_shelf, page, "/packages/acme/words/1.0.0/versions")


async def test_a_package_without_anything(world: World, page: SnapshotAssertion) -> None:
    await publish(world, "acme/silent:1.0.0", layout=4, readme="", exported=())
    await golden(world, page, "/packages/acme/silent")


@pytest.mark.parametrize("act", ["quarantine", "remove"])
async def test_a_withdrawn_version(own_shelf: World, page: SnapshotAssertion, act: str) -> None:
    greet = Coordinate.parse("acme", "greet", "1.2.0")
    await getattr(own_shelf.registry.publishing.moderation, act)(greet, "Steals keys.", by=OPERATOR)
    await golden(own_shelf, page, f"{GREET}/1.2.0", 404)


async def test_a_withdrawn_package(own_shelf: World, page: SnapshotAssertion) -> None:
    shop = Coordinate.parse("other", "shop", "0.1.0")
    await own_shelf.registry.publishing.moderation.quarantine(shop, "Steals keys.", by=OPERATOR)
    await golden(own_shelf, page, "/packages/other/shop", 404)


@pytest.mark.parametrize(
    "tab", ["docs", "versions", "dependencies", "dependents", "files", STATISTICS]
)
async def test_a_tab(own_shelf: World, page: SnapshotAssertion, tab: str) -> None:
    await golden(own_shelf, page, f"{GREET}/1.2.0/{tab}")


@pytest.mark.parametrize("tab", ["docs", "dependencies", "dependents", STATISTICS])
async def test_an_empty_tab(world: World, page: SnapshotAssertion, tab: str) -> None:
    await publish(world, "acme/silent:1.0.0", layout=4, readme="")
    await golden(world, page, f"/packages/acme/silent/1.0.0/{tab}")


async def test_a_source_file(shelf: World, page: SnapshotAssertion) -> None:
    await opened(shelf, f"{GREET}/1.2.0/files?path=modules/greet/greet.bal")
    await golden(shelf, page, f"{GREET}/1.2.0/files?path=modules/greet/greet.bal")


async def test_a_module(own_shelf: World, page: SnapshotAssertion) -> None:
    await golden(own_shelf, page, f"{GREET}/1.2.0/docs?module=greet.formal")
