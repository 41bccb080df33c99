"""Fields that records include from other packages: on pages, in documents, and gone with them."""

import json

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from tests.protocol.web.page_reader import Elements, opened
from tests.support.documented_packages import documented_bala, published
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

COMMON = """
# What all clients need.
public type Common record {|
    *Base;
    # How long to wait, in seconds.
    decimal timeout = 30;
    Level level = LOW;
|};
public type Base record {| string host?; |};
public enum Level { LOW, HIGH }
"""
CLIENT = """
import acme/common;
public type Settings record {|
    *common:Common;
    int retries = 3;
|};
public type Wider record {| *Settings; |};
public type Plain record {| int a; |};
"""
AT = Coordinate.parse("acme", "common", "1.0.0")
SETTINGS = "/packages/acme/client/1.0.0/docs/client/Settings"
DOCUMENT = f"{URL}/2.0/docs/acme/client/1.0.0"
WAYS = ["private", "withheld", "removed"]


COMMON_BALA = documented_bala("acme/common:1.0.0", {"common.bal": COMMON})
CLIENT_BALA = documented_bala(
    "acme/client:1.0.0", {"client.bal": CLIENT}, dependencies=["acme/common:1.0.0"]
)


@pytest.fixture
async def both(world: World) -> World:
    """Return a registry with `acme/client`, whose records include one of `acme/common`."""
    await published(world, COMMON_BALA, CLIENT_BALA)
    return world


async def withdraw(world: World, way: str) -> None:
    registry = world.registry
    if way == "private":
        await registry.packages.visibility.change(
            AT.package, Visibility.PRIVATE, by=OPERATOR, reason="It was decided."
        )
    elif way == "withheld":
        await registry.publishing.moderation.quarantine(AT, "malware", by=OPERATOR)
    else:
        await registry.publishing.moderation.remove(AT, "court order", by=OPERATOR)


async def page(world: World, path: str = SETTINGS) -> str:
    answer = await opened(world, path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def members(world: World) -> dict[str, list[str]]:
    """Return the members of each inclusion in the document of the module."""
    module = (await world.get(DOCUMENT)).json()["docsData"]["modules"][0]
    return {
        record["name"]: [member["name"] for member in entry["inclusionType"]["memberTypes"]]
        for record in module["records"]
        for entry in record["fields"]
        if "inclusionType" in entry
    }


async def test_a_page_shows_the_fields_with_their_origin_and_default(both: World) -> None:
    text = await page(both)
    words = " ".join(Elements.of(await opened(both, SETTINGS)).words.split())

    assert "Fields of * common:Common 2" in words.replace("*common", "* common")
    assert "How long to wait, in seconds." in words
    assert 'href="/docs/acme/common/1.0.0/Common.timeout"' in text
    assert 'href="/docs/acme/common/1.0.0/Base.host"' in text
    assert '>timeout</a> = <span class="m">30</span>' in text
    assert '<a class="kt" href="/docs/acme/common/1.0.0/Level">common:Level</a>' in text


async def test_markdown_has_them_too(both: World) -> None:
    markdown = await page(both, f"{SETTINGS}?form=markdown")
    assert "## timeout (of *common:Common)\n\n```ballerina\ndecimal timeout = 30" in markdown


async def test_the_document_has_one_entry_with_all_members(both: World) -> None:
    assert await members(both) == {
        "Settings": ["timeout", "level", "host"],
        "Wider": ["retries", "timeout", "level", "host"],
    }


async def test_graphql_has_them_too(both: World) -> None:
    query = """{apiDocs(inputFilter: {moduleInfo:
        {orgName: "acme", moduleName: "client", version: "1.0.0"}}) {docsData {modules {records}}}}
    """
    headers = {"Content-Type": "application/json"}
    content = json.dumps({"query": query}).encode()
    answer = await both.send("POST", f"{URL}/2.0/graphql", headers=headers, content=content)
    [module] = answer.json()["data"]["apiDocs"]["docsData"]["modules"]
    settings = json.loads(module["records"])[1]
    assert len(settings["fields"][0]["inclusionType"]["memberTypes"]) == 3


async def test_a_document_with_fields_of_others_is_asked_for_again(both: World) -> None:
    answer = await both.get(DOCUMENT)
    assert answer.headers["cache-control"] == "no-cache"
    again = await both.get(DOCUMENT, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    own = await both.get(f"{URL}/2.0/docs/acme/common/1.0.0")
    assert "immutable" in own.headers["cache-control"]


@pytest.mark.parametrize("way", WAYS)
async def test_included_fields_are_hidden_at_once_when_their_release_is_withheld_or_private(
    both: World, way: str
) -> None:
    await page(both)
    await withdraw(both, way)

    text, markdown = [await page(both, SETTINGS + form) for form in ("", "?form=markdown")]
    assert 'Fields of <code>*<a class="kt" href="/docs/acme/common/1.0.0/Common">' in text
    assert "The documentation of its own package has them." in text
    assert "common" in markdown
    assert "timeout" not in text + markdown
    assert await members(both) == {"Settings": [], "Wider": ["retries"]}


@pytest.mark.parametrize("way", [*WAYS, "missing"])
async def test_a_hidden_release_is_the_same_as_a_missing_one(world: World, way: str) -> None:
    if way != "missing":
        await published(world, COMMON_BALA)
        await withdraw(world, way)
    await published(world, CLIENT_BALA)
    missing = await page(world)
    assert "timeout" not in missing
    assert await members(world) == {"Settings": [], "Wider": ["retries"]}
    assert (await world.get(DOCUMENT)).headers["cache-control"] == "no-cache"


async def test_included_fields_are_shown_once_their_release_is_published(world: World) -> None:
    await published(world, CLIENT_BALA)
    assert "timeout" not in await page(world)
    await published(world, COMMON_BALA)
    assert "timeout" not in await page(world)  # It asks for the documentation to be made again.
    await world.document()
    assert "timeout" in await page(world)
    assert (await members(world))["Settings"] == ["timeout", "level", "host"]


async def test_a_document_is_made_again_once_their_release_is_documented(world: World) -> None:
    await published(world, CLIENT_BALA)
    world.documents_when_read = False
    await world.push(COMMON_BALA)
    assert (await members(world))["Settings"] == []
    await world.document()  # No package changes.
    assert (await members(world))["Settings"] == []  # It asks for the documentation again.
    await world.document()
    assert (await members(world))["Settings"] == ["timeout", "level", "host"]


async def test_included_fields_are_shown_again_when_their_release_is_restored(both: World) -> None:
    await withdraw(both, "withheld")
    assert "timeout" not in await page(both)
    await both.registry.publishing.moderation.restore(AT, by=OPERATOR)
    assert "timeout" in await page(both)


async def test_without_one_of_two_releases_those_of_the_other_stay(world: World) -> None:
    source = """
        import acme/common; import acme/words;
        public type Settings record {| *common:Common; *words:Text; |};
    """
    words = documented_bala(
        "acme/words:1.0.0", {"words.bal": "public type Text record {| int length; |};"}
    )
    depends = ["acme/common:1.0.0", "acme/words:1.0.0"]
    settings = documented_bala("acme/client:1.0.0", {"client.bal": source}, dependencies=depends)
    await published(world, COMMON_BALA, words, settings)
    await withdraw(world, "withheld")
    assert "Text.length" not in await page(world)  # As long as they are in one form.
    await world.document()
    text = await page(world)
    assert ("Text.length" in text, "timeout" in text) == (True, False)


async def test_an_older_release_of_the_other_package_counts_if_it_is_the_locked_one(
    both: World,
) -> None:
    newer = COMMON.replace("timeout = 30", "timeout = 99").replace("host", "server")
    await published(both, documented_bala("acme/common:1.1.0", {"common.bal": newer}))
    text = await page(both)
    assert ("99" in text, "Base.host" in text) == (False, True)
