"""The pages of a package whose releases an upstream has, and nobody has pulled, or somebody has."""

from html import unescape

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.protocol.web.page_reader import Elements, main_of, opened
from tests.support.browsers import signed_in
from tests.support.mirrors import PULL, broken, change
from tests.support.upstreams import FakeUpstream
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

IO = "/packages/ballerina/io"
TABS = (
    "docs",
    "versions",
    "changes",
    "history",
    "proof",
    "dependencies",
    "dependents",
    "files",
    "statistics",
)


def named(text: str, upstream: FakeUpstream) -> str:
    """Replace the name of the upstream, which is its address."""
    return text.replace(upstream.name, "UPSTREAM")


@pytest.fixture
def several(upstream: FakeUpstream) -> FakeUpstream:
    """Return an upstream with more releases of a package than its page lists."""
    for number in range(10, 35):
        upstream.publish(f"octo/kafka:0.{number}.0")
    return upstream


async def test_a_package_that_nobody_has_pulled(
    mirror: World, several: FakeUpstream, page: SnapshotAssertion
) -> None:
    answer = await opened(mirror, "/packages/octo/kafka")
    assert answer.status_code == 200
    assert named(main_of(answer), several) == page


async def test_programs_read_a_release_that_nobody_has_pulled(
    mirror: World, several: FakeUpstream
) -> None:
    answer = await opened(mirror, "/packages/octo/kafka/0.13.0", accept="text/markdown")
    assert answer.status_code == 200
    newest = ", ".join(f"0.{number}.0" for number in range(34, 14, -1))
    assert named(answer.text, several) == (
        "# octo/kafka:0.13.0\n\nThe summary of kafka\n\n"
        "This release is one of UPSTREAM that nobody has pulled from this registry. The first pull "
        f"stores it.\n\nVersions: {newest}\n"
    )


async def test_a_release_that_nobody_has_pulled_has_a_page_beside_a_stored_one(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.get(f"{IO}/1.0.0", headers=PULL)
    stored = await opened(mirror, f"{IO}/1.0.0")
    assert "not yet pulled" not in stored.text
    assert stored.status_code == 200
    described = await opened(mirror, f"{IO}/1.1.0")
    assert f"From {upstream.name}, not yet pulled" in described.text
    latest = await opened(mirror, IO)  # Of the releases that are stored.
    assert f"{IO}/1.0.0/versions" in latest.text
    assert upstream.asked["file"] == 1


@pytest.mark.parametrize("tab", TABS)
async def test_the_tabs_show_what_is_stored_alone(
    mirror: World, upstream: FakeUpstream, tab: str
) -> None:
    for path in (f"{IO}/{tab}", f"{IO}/1.1.0/{tab}", f"{IO}/latest/{tab}"):
        assert (await opened(mirror, path)).status_code == 404
    assert upstream.total == 0


@pytest.mark.parametrize("path", ["/packages/ballerina/none", f"{IO}/9.0.0"])
async def test_what_the_upstream_does_not_have_is_missing(mirror: World, path: str) -> None:
    answer = await opened(mirror, path)
    assert answer.status_code == 404
    assert "not found" in answer.text


async def test_a_package_that_a_rule_denies_has_no_page(mirror: World) -> None:
    await change(mirror, "ballerina/io deny")
    for path in (IO, f"{IO}/1.1.0"):
        answer = await opened(mirror, path)
        assert answer.status_code == 400
        assert "the rule `ballerina/io deny` denies it" in unescape(answer.text)


async def test_a_page_is_unavailable_while_its_upstream_does_not_answer(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.behave = {"versions": broken, "package": broken}
    assert (await opened(mirror, IO)).status_code == 503


async def test_a_withdrawn_release_is_not_shown_as_the_upstream_has_it(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.get(f"{IO}/1.0.0", headers=PULL)
    at = Coordinate.parse("ballerina", "io", "1.0.0")
    await mirror.registry.publishing.moderation.quarantine(at, "reported", by=OPERATOR)
    before = upstream.total
    for path in (IO, f"{IO}/1.0.0"):
        answer = await opened(mirror, path)
        assert answer.status_code == 404
        assert "was withdrawn" in answer.text
    assert upstream.total == before


@pytest.mark.parametrize("is_pulled", [True, False], ids=["pulled", "not pulled"])
async def test_pages_of_a_mirrored_package_lead_an_administrator_to_no_missing_page(
    mirror: World, is_pulled: bool
) -> None:
    if is_pulled:
        await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)
    admin = await signed_in(mirror, mirror.people.admin)
    pages = [IO, f"{IO}/1.0.0"]
    if is_pulled:
        pages += [f"{IO}/versions", "/manage/releases/ballerina/io/1.0.0"]
    for path in pages:
        page = await admin.open(path)
        assert page.status_code == 200
        assert "Your new release" not in page.text
        links = {link for link in Elements.of(page).links if link.startswith("/")}
        # A redirect may lead to the store of archives, where no browser of a test goes.
        missing = [link for link in links if (await admin.send("GET", link)).status_code == 404]
        assert not missing, path


async def test_an_organization_of_an_upstream_leads_to_a_search_for_its_packages(
    mirror: World,
) -> None:
    assert (await mirror.get(f"{URL}/orgs/ballerina")).status_code == 404
    await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)
    assert "/orgs/ballerina" in Elements.of(await opened(mirror, "/organizations")).links
    answer = await mirror.get(f"{URL}/orgs/ballerina")
    assert answer.status_code == 302
    assert answer.headers["location"] == "/search?q=org%3Aballerina"
    found = await opened(mirror, answer.headers["location"])
    assert IO in Elements.of(found).links
    assert (await mirror.get(f"{URL}/orgs/nobody")).status_code == 404
