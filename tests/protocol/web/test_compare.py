"""Two to four packages side by side: facts of each, and nothing of those that are hidden."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.requests import Busy
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from tests.protocol.web.page_reader import Elements, main_of, opened
from tests.protocol.web.sample_packages import publish
from tests.support.browsers import signed_in
from tests.support.port_doubles import Fault
from tests.support.world import OpenWorld, World, asking

pytestmark = pytest.mark.measured

TWO = "/compare?packages=acme/greet,acme/words"


async def table(world: World, path: str, *, of_checks: bool = False) -> dict[str, list[str]]:
    """Return the cells of each row, by its heading: of the facts, or of the checklists."""
    page = await opened(world, path)
    assert page.status_code == 200, page.text
    facts, _, checks = page.text.partition('id="checklists"')
    return _rows(checks if of_checks else facts)


def _rows(html: str) -> dict[str, list[str]]:
    rows = re.findall(r"<tr>\n<th scope=\"row\">([^<]*)</th>(.*?)</tr>", html, re.DOTALL)
    return {title: list(map(_text, cells.split("</td>")[:-1])) for title, cells in rows}


def _text(html: str) -> str:
    signs = re.sub(r'<span class="check (\w+)"[^>]*>', r"\1", html)
    return " ".join(re.sub(r"<[^>]*>", " ", signs).split())


async def test_a_comparison_shows_what_people_choose_by(own_shelf: World) -> None:
    await own_shelf.document()
    rows = await table(own_shelf, TWO)
    assert rows["Releases"] == ["4", "1"]
    assert rows["Pulls"][0] == "326 all time, 324 in the last 90 days"
    assert rows["Dependents"] == ["1", "1"]
    assert rows["License"] == ["Apache-2.0", "Not specified"]
    assert rows["API"][0] == "2 declarations in 2 modules, 0 % with a comment"
    assert rows["Dependencies"] == ["3", "0"]
    assert rows["Checklist"] == ["7 of 8 checks are met", "2 of 8 checks are met"]
    assert rows["Latest version"][0].startswith("1.2.0 ")
    assert rows["First release"][0].startswith("1 month ago")
    assert all(" " in each for each in rows["Size"])


PAGES = {
    "full": "/compare?packages=acme/greet,acme/words,other/hostile",
    "of_one_that_is_seen": "/compare?packages=acme/greet,acme/secret",
    "empty": "/compare",
}


@pytest.mark.parametrize("name", PAGES)
async def test_a_comparison(own_shelf: World, page: SnapshotAssertion, name: str) -> None:
    await own_shelf.document()
    assert main_of(await opened(own_shelf, PAGES[name])) == page


async def test_a_comparison_shows_each_check(own_shelf: World) -> None:
    await own_shelf.document()
    rows = await table(own_shelf, TWO, of_checks=True)
    assert rows["Readme with an example"] == ["met", "unmet"]
    assert rows["License"] == ["met", "unmet"]
    assert len(rows) == 8


async def test_a_form_sends_the_names_one_by_one(shelf: World) -> None:
    by_form = await opened(shelf, "/compare?packages=acme%2Fgreet&packages=acme%2Fwords")
    assert main_of(by_form) == main_of(await opened(shelf, TWO))


@pytest.mark.parametrize("name", ["acme/secret", "acme/nothing", "acme/gone"])
async def test_a_package_that_the_reader_may_not_see_is_not_named(
    own_shelf: World, name: str
) -> None:
    """A hidden package, a missing one and one without a live release are alike."""
    await publish(own_shelf, "acme/gone:1.0.0")
    moderation = own_shelf.registry.publishing.moderation
    await moderation.quarantine(Coordinate.parse("acme", "gone", "1.0.0"), "Bad.", by=OPERATOR)
    page = await opened(own_shelf, f"/compare?packages=acme/greet,{name},acme/words")
    assert page.status_code == 200
    assert name not in page.text
    assert name.partition("/")[2] not in page.text
    assert "1 package of this address is not shown." in page.text
    other = await opened(own_shelf, "/compare?packages=acme/greet,acme/words,other/never")
    assert main_of(page) == main_of(other)


async def test_a_member_compares_a_private_package(own_shelf: World) -> None:
    page = await signed_in(
        own_shelf, own_shelf.people.mia, "/compare?packages=acme/greet,acme/secret"
    )
    assert "acme/secret" in page.text
    assert "not shown" not in page.text


async def test_a_hidden_successor_is_not_named(own_shelf: World) -> None:
    await publish(own_shelf, "acme/better:1.0.0")
    successors = own_shelf.registry.packages.successors
    words = Package.parse("acme", "words")
    better = Package.parse("acme", "better")
    await successors.change(words, better, "It moved.", by=OPERATOR)
    assert "Replaced by" in (await opened(own_shelf, TWO)).text
    await own_shelf.registry.packages.visibility.change(
        better, Visibility.PRIVATE, by=OPERATOR, reason="Not yet."
    )
    shown = (await opened(own_shelf, TWO)).text
    assert "better" not in shown
    assert "Replaced by" not in shown


async def test_more_than_four_packages_are_refused(shelf: World) -> None:
    names = ",".join(f"acme/p{at}" for at in range(5))
    page = await opened(shelf, f"/compare?packages={names}")
    assert page.status_code == 400
    assert "5 packages are too many to compare: 4 fit side by side." in page.text


async def test_a_package_is_compared_once(shelf: World) -> None:
    rows = await table(shelf, "/compare?packages=acme/greet,ACME/Greet, acme/words,")
    assert len(rows["Size"]) == 2


async def test_what_is_no_name_is_refused(shelf: World) -> None:
    page = await opened(shelf, "/compare?packages=acme/greet,greet")
    assert page.status_code == 400
    assert "Write it as org/name" in page.text


async def test_one_package_asks_for_another(shelf: World) -> None:
    page = await opened(shelf, "/compare?packages=acme/greet")
    assert "Add another package to compare it with acme/greet." in page.text
    fields = [each for each in Elements.of(page).every("input") if each.get("name") == "packages"]
    assert [each["type"] for each in fields] == ["hidden", "text"]
    empty = await opened(shelf, "/compare")
    assert empty.status_code == 200
    assert "<table" not in empty.text


async def test_search_results_and_packages_lead_to_a_comparison(shelf: World) -> None:
    results = Elements.of(await opened(shelf, "/search?q=greet"))
    boxes = [each for each in results.every("input") if each.get("type") == "checkbox"]
    assert {(each["name"], each["form"]) for each in boxes} == {("packages", "compare")}
    assert "acme/greet" in {each["value"] for each in boxes}
    [form] = [each for each in results.every("form") if each.get("id") == "compare"]
    assert (form["method"], form["action"]) == ("get", "/compare")
    page = Elements.of(await opened(shelf, "/packages/acme/greet"))
    assert "/compare?packages=acme/greet" in page.links


async def test_what_is_not_read_yet_is_not_known(world: World) -> None:
    await publish(world, "acme/fresh:1.0.0")
    path = "/compare?packages=acme/fresh"
    assert (await table(world, path))["API"] == ["Not known"]
    assert (await table(world, path, of_checks=True))["Readme with an example"] == ["unknown"]


@pytest.mark.parametrize(
    ("port", "method", "row", "shown"),
    [
        ("search", "search", "Dependents", "Not known"),
        ("pulls", "history", "Pulls", "0 all time"),
        ("documents", "api_docs_record", "API", "Not known"),
    ],
)
async def test_a_comparison_is_shown_while_a_store_does_not_respond(
    worlds: OpenWorld, port: str, method: str, row: str, shown: str
) -> None:
    fault = Fault(method, Busy(), nth=0)
    world = await worlds(wrap=fault.at(port), host=asking)
    await publish(world, "acme/fresh:1.0.0")
    world.documents_when_read = False
    fault.nth = fault.calls + 1
    assert (await table(world, "/compare?packages=acme/fresh"))[row] == [shown]
    assert fault.calls == fault.nth
