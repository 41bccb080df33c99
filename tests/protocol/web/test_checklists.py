"""The checklist of a release: on its page, by the API, and for its owners beside a new one."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.api_docs.records import GENERATOR_VERSION, ApiDocsRecord, DocsState
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.protocol.web.page_reader import Elements, opened, words
from tests.protocol.web.sample_packages import README, publish
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.documented_packages import documented_bala
from tests.support.world import URL, Person, World

pytestmark = pytest.mark.measured

KEYS = (
    "readme",
    "documentation",
    "license",
    "source",
    "keywords",
    "provenance",
    "distribution",
    "dependencies",
)
GREET = "acme/greet:1.2.0"
MANAGE = "/account/organizations/acme/packages"


async def checklist(world: World, coordinate: str, by: Person | None = None) -> dict[str, Any]:
    """Return the checklist as the API sends it."""
    path = coordinate.replace(":", "/")
    answer = await world.get(f"{URL}/api/v1/packages/{path}/checklist", by=by)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def check(world: World, coordinate: str, key: str) -> dict[str, str]:
    """Return one check of a release that was read."""
    await world.document()
    [found] = [
        each for each in (await checklist(world, coordinate))["checks"] if each["key"] == key
    ]
    return found


async def test_the_api_says_what_each_check_found(own_shelf: World) -> None:
    await own_shelf.document()
    found = await checklist(own_shelf, GREET)
    assert tuple(each["key"] for each in found["checks"]) == KEYS
    assert {each["key"]: each["state"] for each in found["checks"]} == {
        **dict.fromkeys(KEYS, "met"),
        "documentation": "unmet",
    }
    assert (found["org"], found["name"], found["version"]) == ("acme", "greet", "1.2.0")
    assert (found["met"], found["known"]) == (7, 8)


async def test_each_unmet_check_says_how_to_mend_it(own_shelf: World) -> None:
    await publish(own_shelf, "acme/poor:1.0.0", readme="Words.\n", licenses=[])
    await own_shelf.document()
    checks = (await checklist(own_shelf, "acme/poor:1.0.0"))["checks"]
    unmet = {each["key"] for each in checks if each["state"] == "unmet"}
    assert unmet == set(KEYS) - {"distribution", "dependencies"}
    for each in checks:
        assert bool(each["mend"]) == (each["state"] == "unmet"), each
        assert each["guide"] == f"{URL}/docs/checklists#{each['key']}"


@pytest.mark.parametrize(
    ("readme", "state"),
    [
        ("# Greet\n\n```ballerina\ngreet:hello();\n```\n", "met"),
        ("# Greet\n\n    greet:hello();\n", "met"),
        ("# Greet\n\nCall `hello`.\n", "unmet"),
    ],
)
async def test_a_readme_has_an_example_if_it_shows_a_block_of_code(
    world: World, readme: str, state: str
) -> None:
    await publish(world, "acme/read:1.0.0", readme=readme)
    assert (await check(world, "acme/read:1.0.0", "readme"))["state"] == state


@pytest.mark.parametrize(
    ("commented", "state"), [(8, "met"), (7, "unmet"), (0, "unmet"), (10, "met")]
)
async def test_four_of_five_declarations_have_a_comment(
    world: World, commented: int, state: str
) -> None:
    lines = (
        f"{'# Does it.' if at < commented else ''}\npublic function f{at}() {{}}"
        for at in range(10)
    )
    await world.push(documented_bala("acme/api:1.0.0", {"api.bal": "\n".join(lines)}))
    found = await check(world, "acme/api:1.0.0", "documentation")
    assert found["state"] == state
    assert f"{commented} of 10 public declarations" in found["fact"]


async def test_a_dependency_that_is_deprecated_is_named(own_shelf: World) -> None:
    deprecation = own_shelf.registry.packages.deprecation
    await deprecation.deprecate(Coordinate.parse("acme", "words", "1.0.0"), "Old.", by=OPERATOR)
    found = await check(own_shelf, GREET, "dependencies")
    assert (found["state"], found["fact"]) == ("unmet", "Deprecated: acme/words:1.0.0.")


async def test_a_withdrawn_dependency_is_named(own_shelf: World) -> None:
    words_of = Coordinate.parse("acme", "words", "1.0.0")
    await own_shelf.registry.publishing.moderation.quarantine(words_of, "Bad.", by=OPERATOR)
    found = await check(own_shelf, GREET, "dependencies")
    assert (found["state"], found["fact"]) == ("unmet", "Withdrawn: acme/words:1.0.0.")


async def test_a_dependency_that_the_reader_may_not_see_is_not_named(own_shelf: World) -> None:
    """It is one of those that are not in the registry, deprecated or not."""
    needs = ["acme/secret:1.0.0", "acme/words:1.0.0"]
    await publish(own_shelf, "other/needy:1.0.0", dependencies=needs)
    before = await check(own_shelf, "other/needy:1.0.0", "dependencies")
    deprecation = own_shelf.registry.packages.deprecation
    await deprecation.deprecate(Coordinate.parse("acme", "secret", "1.0.0"), "Old.", by=OPERATOR)
    assert await check(own_shelf, "other/needy:1.0.0", "dependencies") == before
    seen = await checklist(own_shelf, "other/needy:1.0.0", by=own_shelf.people.mia)
    assert "acme/secret:1.0.0" in seen["checks"][-1]["fact"]


async def test_only_who_may_see_a_release_reads_its_checklist(own_shelf: World) -> None:
    path = f"{URL}/api/v1/packages/acme/secret/1.0.0/checklist"
    assert (await own_shelf.get(path)).status_code == 404
    assert (await own_shelf.get(path, by=own_shelf.people.mia)).status_code == 200


async def test_until_the_archive_is_read_its_texts_are_unknown(own_shelf: World) -> None:
    await publish(own_shelf, "acme/fresh:1.0.0")
    states = {
        each["key"]: each["state"]
        for each in (await checklist(own_shelf, "acme/fresh:1.0.0"))["checks"]
    }
    assert (states["readme"], states["documentation"]) == ("unknown", "unknown")


async def test_a_release_that_an_earlier_version_read_is_read_again_by_the_task(
    world: World,
) -> None:
    """No request reads its archive: until then the check is unknown."""
    content = bala("acme/old:1.0.0", readme=README)
    await world.push(content)
    old = ApiDocsRecord(state=DocsState.DONE, generator=GENERATOR_VERSION - 1, declarations=2)
    await world.registry.adapters.documents.put_api_docs(Digest.of(content), old)
    first, second, *_ = (await checklist(world, "acme/old:1.0.0"))["checks"]
    assert (first["key"], first["state"]) == ("readme", "unknown")
    assert "0 of 2" in second["fact"]
    await world.registry.maintenance.task_runner.run("generate-api-docs")
    first, second, *_ = (await checklist(world, "acme/old:1.0.0"))["checks"]
    assert (first["key"], first["state"]) == ("readme", "met")


async def test_everybody_reads_the_checklist_on_the_page_of_a_release(own_shelf: World) -> None:
    await own_shelf.document()
    shown = await words(own_shelf, "/packages/acme/greet")
    assert "7 of 8 checks are met." in shown
    shown = await words(own_shelf, "/packages/acme/helper")
    assert "How to fix" in shown
    assert "Your new release" not in shown


async def test_its_signs_have_names(own_shelf: World) -> None:
    page = Elements.of(await opened(own_shelf, "/packages/acme/greet"))
    signs = [each for each in page.every("span") if each.get("class", "").startswith("check ")]
    assert len(signs) == len(KEYS)
    assert {each["aria-label"] for each in signs} <= {"Met", "Unmet", "Unknown"}


async def test_owners_see_it_beside_a_new_release_and_no_longer_after_two_weeks(
    own_shelf: World,
) -> None:
    await publish(own_shelf, "acme/fresh:1.0.0", licenses=[])
    path = "/packages/acme/fresh"
    page = await signed_in(own_shelf, own_shelf.people.ann, path)
    assert "Your new release." in page.text
    assert "License" in page.text.partition("Unmet:")[2].partition("How to fix them")[0]
    own_shelf.clock.advance(timedelta(days=15))
    page = await signed_in(own_shelf, own_shelf.people.ann, path)
    assert "Your new release" not in page.text


async def test_the_page_of_owners_has_the_checklist_of_the_latest_version(own_shelf: World) -> None:
    page = await signed_in(own_shelf, own_shelf.people.ann, f"{MANAGE}/helper")
    assert "Checklist of 1.0.0" in page.text
    assert "Publish from a CI job, as a trusted publisher." in page.text
