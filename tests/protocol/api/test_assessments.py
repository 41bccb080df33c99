"""Owners say of an advisory about a Java library inside whether it affects the release."""

from typing import Any

import httpx
import pytest

from shared.domain.advisories.records import StoredAdvisory
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.support.advisories import advisory, affected
from tests.support.archives import bala, zipped
from tests.support.browsers import signed_in
from tests.support.world import URL, Person, World

pytestmark = pytest.mark.measured

PACKAGE = f"{URL}/api/v1/packages/acme/greet/1.0.0/assessments"
VEX = f"{URL}/api/v1/vex/acme/greet/1.0.0"
PAGE = "/account/organizations/acme/packages/greet/1.0.0/advisories"
ID = "GHSA-jfh8-c2jp-5v3q"
NOT_AFFECTED = {
    "state": "not_affected",
    "justification": "code_not_reachable",
    "detail": "It is never called.",
}


def jar_bala(coordinate: str = "acme/greet:1.0.0", **spec: Any) -> bytes:
    pom = "groupId=org.sql\nartifactId=sql\nversion=2.0\n"
    jar = zipped({"META-INF/maven/org.sql/sql/pom.properties": pom})
    return bala(coordinate, platform="java21", entries={"platform/java21/sql.jar": jar}, **spec)


async def import_advisory(world: World) -> None:
    """Store what a dump says of a library."""
    about = affected("org.sql:sql", "introduced 0", "fixed 3.0", ecosystem="Maven")
    record = advisory(about, id=ID, is_imported=True, modified_ms=1, published_ms=1)
    await world.stores.directory.put(StoredAdvisory.of(record))
    await world.registry.advisories.advisories.index.say_changed()


@pytest.fixture
async def inside(world: World) -> World:
    await world.push(jar_bala())
    await world.document()
    await import_advisory(world)
    return world


async def findings(world: World) -> tuple[list[str], list[str]]:
    """Return the ids of what is found for the libraries, and of what is assessed."""
    found = (await world.stores.metadata.find(Coordinate.from_text("acme/greet:1.0.0"))).release
    assert found is not None
    shown = await world.registry.advisories.advisories.of_release(found, OPERATOR)
    return (
        [each.id for library in shown.java_libraries for each in library.advisories],
        [each.id for library in shown.assessed for each in library.advisories],
    )


async def assess(
    world: World, by: Person | None = None, advisory_id: str = ID, **sent: Any
) -> httpx.Response:
    who = by or world.people.ann
    body = sent or NOT_AFFECTED
    return await world.send("PUT", f"{PACKAGE}/{advisory_id}", json=body, by=who)


async def test_what_does_not_affect_a_release_is_no_finding_of_it(inside: World) -> None:
    assert await findings(inside) == ([ID], [])
    answer = await assess(inside)
    assert answer.status_code == 200, answer.text
    assert await findings(inside) == ([], [ID])
    listed = (await inside.get(PACKAGE)).json()["assessments"]
    assert listed == [answer.json()]
    assert listed[0]["justification"] == "code_not_reachable"
    gone = await inside.send("DELETE", f"{PACKAGE}/{ID}", by=inside.people.ann)
    assert gone.status_code == 204
    assert await findings(inside) == ([ID], [])


async def test_the_page_of_a_release_shows_what_is_found_and_what_its_owners_say(
    inside: World,
) -> None:
    page = f"{URL}/packages/acme/greet/1.0.0"
    has_libraries = "Has Java libraries with known vulnerabilities inside."
    text = (await inside.get(page, headers={"Accept": "text/html"})).text
    assert has_libraries in text
    assert "org.sql:sql 2.0" in text
    assert "Fixed in <bdi>3.0</bdi>" in text
    await assess(inside)
    text = (await inside.get(page, headers={"Accept": "text/html"})).text
    assert has_libraries not in text
    assert "Assessed by its owners." in text
    assert f'href="/advisories/{ID}"' in text


async def test_the_page_of_affected_packages_leads_there(inside: World) -> None:
    ann = await signed_in(inside, inside.people.ann, "/account/advisories")
    assert f'href="{PAGE}"' in ann.text
    await assess(inside)
    await ann.open("/account/advisories")
    assert "Nothing is affected" in ann.text


async def test_what_is_in_triage_stays_a_finding(inside: World) -> None:
    assert (await assess(inside, state="in_triage")).status_code == 200
    assert await findings(inside) == ([ID], [])
    assert (await assess(inside, state="exploitable")).status_code == 200
    assert await findings(inside) == ([ID], [])


async def test_a_repeat_changes_nothing(inside: World) -> None:
    first = (await assess(inside)).json()
    assert (await assess(inside)).json() == first


async def test_the_assessments_are_vex(inside: World) -> None:
    await assess(inside)
    answer = await inside.get(VEX)
    assert answer.headers["content-type"].startswith("application/vnd.cyclonedx+json")
    [found] = answer.json()["vulnerabilities"]
    assert found["id"] == ID
    assert found["analysis"]["state"] == "not_affected"
    assert found["affects"][0]["ref"].startswith("pkg:ballerina/acme/greet@1.0.0")


async def test_only_owners_assess(inside: World) -> None:
    assert (await assess(inside, by=inside.people.mia)).status_code == 403
    assert (await assess(inside, by=inside.people.bob)).status_code == 404


@pytest.mark.parametrize(
    ("advisory_id", "sent", "status"),
    [
        ("GHSA-none", NOT_AFFECTED, 404),
        (ID, {"state": "not_affected"}, 400),
        (ID, {"state": "fine"}, 400),
        (ID, {**NOT_AFFECTED, "detail": "x" * 501}, 400),
        (ID, {**NOT_AFFECTED, "justification": "none"}, 400),
    ],
)
async def test_what_cannot_be_said_is_refused(
    inside: World, advisory_id: str, sent: dict[str, Any], status: int
) -> None:
    answer = await assess(inside, advisory_id=advisory_id, **sent)
    assert answer.status_code == status


async def test_assessments_of_a_private_package_are_for_its_readers_alone(world: World) -> None:
    await world.push(jar_bala(visibility="private"))
    for path in (PACKAGE, VEX):
        assert (await world.get(path)).status_code == 404
        assert (await world.get(path, by=world.people.bob)).status_code == 404
        assert (await world.get(path, by=world.people.mia)).status_code == 200


async def test_an_owner_assesses_on_the_page_and_takes_it_back(inside: World) -> None:
    ann = await signed_in(inside, inside.people.ann, PAGE)
    assert ID in ann.text
    assert "org.sql:sql 2.0" in ann.text
    refused = await ann.submit(f"{PAGE}/assess", advisory=ID, state="not_affected")
    assert refused.status_code == 400
    assert "Say why the release is not affected" in ann.text
    for_long = {"advisory": ID, "state": "in_triage", "detail": "x" * 501}
    assert (await ann.submit(f"{PAGE}/assess", **for_long)).status_code == 400
    await ann.submit(
        f"{PAGE}/assess",
        advisory=ID,
        state="not_affected",
        justification="code_not_present",
        detail="",
    )
    assert "Assessment saved." in ann.text
    assert "The vulnerable code is not in the library" in ann.text
    assert await findings(inside) == ([], [ID])
    await ann.submit(f"{PAGE}/retract", advisory=ID)
    assert "Assessment removed." in ann.text
    assert await findings(inside) == ([ID], [])
