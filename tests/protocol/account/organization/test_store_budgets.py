"""Store operations of the pages of an organization, as docs/develop/site.md lists them."""

from collections import Counter
from pathlib import Path

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.services.packages.organization_packages import PACKAGES_ON_A_PAGE
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.instances import shared_records_read
from tests.support.port_doubles import CallRecorder
from tests.support.storage import one_instance
from tests.support.world import URL, OpenWorld, Template, World, asking

pytestmark = one_instance("it counts calls of one instance")

ORG = "/account/organizations/acme"
# Who looks, for the frame and for the service, and what a registry file owns of the organization.
ACCESS = Counter({"directory.access_context": 2, "directory.get": 1})
# Of the latest release: its records, its owner, and what was counted when its archive was read.
CHECKLIST = Counter(
    ["metadata.survey", "metadata.find", "directory.get", "documents.api_docs_record"]
)
# Of the latest release: whether its owner looks, its record, and what its API changes.
WARNINGS = Counter(["directory.access_context", "metadata.find", "directory.get"])
PAGES = {
    "/packages": ACCESS + Counter(["metadata.packages", "metadata.survey"]),
    "/packages/p00": ACCESS + Counter(["metadata.survey", "directory.get"]) + CHECKLIST + WARNINGS,
    "/held": ACCESS
    + Counter({"metadata.packages": 1, "metadata.survey": 1, "directory.list_by_owner": 2}),
    "/tokens": ACCESS + Counter({"directory.list_by_owner": 2}),
    "/publishers": ACCESS + Counter(["directory.list_by_owner"]),
    # Of whom the log tells: Ann, Mia and the operator.
    "/log": ACCESS + Counter({"events.stream": 1, "directory.get": 3}),
    # Who may become owner: the members, and the name of each.
    "/settings": ACCESS + Counter({"directory.list_by_owner": 1, "directory.get": 2}),
}


@pytest.fixture
async def world(worlds: OpenWorld, port_calls: CallRecorder) -> World:
    """Return a registry whose calls are written down, and that remembers no answer."""
    world = await worlds(wrap=port_calls.wrap, host=asking)
    await world.push(bala("acme/p00:1.0.0"))
    return world


async def calls(browser: Browser, port_calls: CallRecorder, path: str) -> Counter[str]:
    """Return the calls of a page, without those that say who is signed in."""
    for _ in range(2):  # The first one reads the session, which is remembered for seconds.
        port_calls.taken()
        await browser.open("/account/settings.toml")
    session = Counter(port_calls.taken())
    assert (await browser.open(path)).status_code == 200
    return Counter(port_calls.taken()) - session


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_asks_no_more_than_its_budget(
    world: World, port_calls: CallRecorder, page: str
) -> None:
    ann = await signed_in(world, world.people.ann)
    assert await calls(ann, port_calls, ORG + page) == PAGES[page]


async def fill(world: World) -> None:
    """Publish more packages than a page has, more releases, and more events."""
    for number in range(PACKAGES_ON_A_PAGE + 2):
        await world.push(bala(f"acme/p{number:02}:1.0.0"), by=world.people.admin)
    for patch in range(1, 4):
        await world.push(bala(f"acme/p00:1.0.{patch}"))
    first = Coordinate.parse("acme", "p00", "1.0.0")
    for number in range(30):
        await world.registry.packages.deprecation.deprecate(first, f"Number {number}.", by=OPERATOR)


@pytest.fixture(scope="module")
async def filled(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    return await template.filled(tmp_path_factory.mktemp("filled") / "data", fill)


@pytest.mark.parametrize("page", PAGES)
async def test_no_page_asks_more_where_there_is_more(
    filled: Template, scratch: Path, port_calls: CallRecorder, page: str
) -> None:
    async with filled.world(scratch / "data", wrap=port_calls.wrap, host=asking) as world:
        ann = await signed_in(world, world.people.ann)
        grown = await calls(ann, port_calls, ORG + page)
    assert grown.total() <= PAGES[page].total()


async def test_each_held_release_costs_a_read_and_their_publisher_one_more(
    worlds: OpenWorld, port_calls: CallRecorder
) -> None:
    world = await worlds(wrap=port_calls.wrap, host=asking, brake_packages=1)
    await world.push(bala("acme/a:1.0.0"))
    for name in ("b", "c"):
        await world.push_held(bala(f"acme/{name}:1.0.0"))
    ann = await signed_in(world, world.people.ann)
    more = await calls(ann, port_calls, f"{ORG}/held") - PAGES["/held"]
    assert more == Counter({"metadata.find": 2, "directory.get": 1})


async def test_the_page_of_a_package_reads_what_a_signed_in_account_may_see(
    world: World, port_calls: CallRecorder
) -> None:
    ann = await signed_in(world, world.people.ann)
    await world.document()  # What the queue reads meanwhile is no part of a page.
    await shared_records_read(world.registry)
    port_calls.taken()
    await world.get(f"{URL}/packages/acme/p00")
    stranger = Counter(port_calls.taken())
    more = await calls(ann, port_calls, "/packages/acme/p00") - stranger
    # Two access contexts: one for the links of members, one for the dependents that are counted;
    # and whether she follows it.
    assert more == Counter(
        {"directory.access_context": 2, "directory.get": 2, "directory.list_by_subject": 1}
    )
