"""What everybody reads of advisories beside the packages that they affect."""

import json
import re
from html import escape, unescape

import pytest

from shared.domain.advisories.advisories import Advisory, AdvisoryState
from tests.support.advisories import advisory, affected
from tests.support.archives import bala
from tests.support.mcp_agent import Agent
from tests.support.world import URL, Person, World

GREET = affected("acme/greet", "introduced 1.0.0", "fixed 1.2.0")
SECRET = affected("acme/secret", "introduced 0")


@pytest.fixture
async def packages(world: World) -> World:
    """Return a registry with versions of two packages, of which one is private."""
    for version in ("0.9.0", "1.0.0", "1.2.0"):
        await world.push(bala(f"acme/greet:{version}"))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    await world.push(bala("acme/app:1.0.0", dependencies=["acme/greet:1.0.0"]))
    return world


async def stored(world: World, *versions: object, **fields: object) -> Advisory:
    """Store an advisory of acme."""
    new = advisory(*versions, org="acme", **fields)  # pyright: ignore[reportArgumentType]
    return await world.registry.advisories.advisories.store(new, world.fresh(world.people.ann))


async def marked(world: World, package: str, by: Person | None = None) -> dict[str, list[str]]:
    """Return the advisories of each version that has any, as the index says."""
    answer = await world.get(f"{URL}/index/{package}/index.json", by=by)
    lines = map(json.loads, answer.text.splitlines())
    return {each["version"]: each["advisories"] for each in lines if "advisories" in each}


# --- The index and the metadata ----------------------------------------------------------------


async def test_a_line_of_the_index_names_the_advisories_of_its_version(packages: World) -> None:
    before = (await packages.get(f"{URL}/index/acme/greet/index.json")).text
    assert await marked(packages, "acme/greet") == {}
    found = await stored(packages, GREET)
    assert await marked(packages, "acme/greet") == {"1.0.0": [found.id]}
    text = (await packages.get(f"{URL}/index/acme/greet/index.txt")).text
    assert text != before
    assert text.splitlines()[0] == before.splitlines()[0]
    advisories = packages.registry.advisories.advisories
    await advisories.withdraw(found.id, packages.fresh(packages.people.ann))
    assert (await packages.get(f"{URL}/index/acme/greet/index.txt")).text == before


async def test_a_draft_marks_nothing(packages: World) -> None:
    await stored(packages, GREET, state=AdvisoryState.DRAFT)
    assert await marked(packages, "acme/greet", packages.people.ann) == {}


async def test_an_advisory_about_a_private_package_too_marks_no_public_one(
    packages: World,
) -> None:
    """Its mark would tell of the private package, and all readers get the same file."""
    await stored(packages, GREET, SECRET)
    for person in (None, packages.people.mia):
        assert await marked(packages, "acme/greet", person) == {}
    assert await marked(packages, "acme/secret", packages.people.mia) == {"1.0.0": ["x_BLR-2026-1"]}


async def test_readers_of_a_private_package_see_its_mark(packages: World) -> None:
    found = await stored(packages, SECRET)
    assert await marked(packages, "acme/secret", packages.people.mia) == {"1.0.0": [found.id]}


async def test_the_metadata_of_a_release_name_its_advisories(packages: World) -> None:
    grave = await stored(packages, GREET, database_specific={"severity": "HIGH"})
    other = await stored(packages, GREET)
    affected_one = (await packages.get("/packages/acme/greet/1.0.0")).json()
    assert affected_one["advisories"] == [grave.id, other.id]
    assert "advisories" not in (await packages.get("/packages/acme/greet/1.2.0")).json()


async def test_the_export_of_the_index_has_the_marks(packages: World) -> None:
    found = await stored(packages, GREET)
    files = {
        path: document.content
        async for batch in packages.registry.packages.index.public_files()
        for path, document in batch
    }
    lines = files["acme/greet/index.json"].splitlines()
    assert [json.loads(each).get("advisories") for each in lines] == [None, [found.id], None]


# --- Pages -------------------------------------------------------------------------------------

PAGES = {"Accept": "text/html"}


def told(text: str) -> str:
    """Return the text of a page without its elements."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


async def page(world: World, path: str, by: Person | None = None) -> str:
    answer = await world.get(f"{URL}{path}", headers=PAGES, by=by)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_page_says_first_that_its_release_is_affected_and_what_to_use(
    packages: World,
) -> None:
    found = await stored(packages, GREET, database_specific={"severity": "CRITICAL"})
    text = told(await page(packages, "/packages/acme/greet/1.0.0"))
    assert (
        "Known vulnerability. Use 1.2.0 instead, which no known advisory affects. "
        f"{found.id} Critical Greets strangers. Fixed in 1.2.0 ." in text
    )
    assert text.index("Known vulnerability.") < text.index("This is version 1.0.0.")
    assert "Known vulnerability" in told(await page(packages, "/packages/acme/greet/1.0.0/files"))
    for version in ("0.9.0", "1.2.0"):
        assert found.id not in await page(packages, f"/packages/acme/greet/{version}")


async def test_a_page_says_that_nothing_better_is_there(packages: World) -> None:
    await stored(packages, affected("acme/greet", "introduced 0"))
    text = told(await page(packages, "/packages/acme/greet"))
    assert "No later version without a known advisory is published." in text
    assert "No version fixes it yet." in text


async def test_a_page_of_malware_says_so(packages: World) -> None:
    await stored(packages, GREET, database_specific={"kind": "malware"})
    text = told(await page(packages, "/packages/acme/greet/1.0.0"))
    assert "Malware. Use 1.2.0 instead" in text


async def test_the_page_as_markdown_says_it_too(packages: World) -> None:
    found = await stored(packages, GREET)
    headers = {"Accept": "text/markdown"}
    text = (await packages.get(f"{URL}/packages/acme/greet/1.0.0", headers=headers)).text
    assert (
        f"> Affected by {found.id} (unknown): Greets strangers. Fixed in 1.2.0. "
        f"{URL}/advisories/{found.id}\n\n"
        "> Use version 1.2.0, which no known advisory affects." in text
    )


async def test_versions_are_marked(packages: World) -> None:
    found = await stored(packages, GREET)
    text = told(await page(packages, "/packages/acme/greet/versions"))
    assert text.count("Vulnerable") == 1
    assert found.id in text


async def test_what_a_release_depends_on_is_marked_on_its_pages(packages: World) -> None:
    found = await stored(packages, GREET)
    text = told(await page(packages, "/packages/acme/app"))
    assert (
        "Depends on releases with known vulnerabilities. A build with these versions has them too. "
        f"acme/greet:1.0.0 : {found.id} Greets strangers. Fixed in 1.2.0 ." in text
    )
    assert f"1.0.0 Vulnerable {found.id}" in told(
        await page(packages, "/packages/acme/app/dependencies")
    )


async def test_dependents_of_an_affected_version_are_marked(packages: World) -> None:
    found = await stored(packages, GREET)
    text = told(await page(packages, "/packages/acme/greet/dependents"))
    assert f"1.0.0 Vulnerable {found.id}" in text


async def test_advisories_of_private_packages_are_on_no_page_of_others(packages: World) -> None:
    await packages.push(bala("acme/open:1.0.0", dependencies=["acme/secret:1.0.0"]))
    found = await stored(packages, SECRET)
    for path in ("/packages/acme/open", "/packages/acme/open/dependencies"):
        assert found.id not in await page(packages, path)
        assert found.id not in await page(packages, path, packages.people.bob)
        assert found.id in await page(packages, path, packages.people.mia)


async def test_what_advisories_say_is_text(packages: World) -> None:
    evil = "<script>alert(1)</script>"
    found = await stored(packages, GREET, summary=evil, aliases=("CVE-2026-1",))
    for path in ("/packages/acme/greet/1.0.0", f"/advisories/{found.id}"):
        text = await page(packages, path)
        assert escape(evil) in text
        assert evil not in text
    assert evil not in await page(packages, "/packages/acme/greet/versions")


async def test_search_results_are_marked(packages: World) -> None:
    await stored(packages, affected("acme/greet", "introduced 0"))
    for path in ("/search?q=greet", "/orgs/acme?q=greet"):
        text = told(await page(packages, path))
        assert "greet 1.2.0 Vulnerable" in text
    await stored(
        packages, affected("acme/greet", "introduced 0"), database_specific={"kind": "malware"}
    )
    assert "1.2.0 Malware" in told(await page(packages, "/search?q=greet"))


async def test_a_comparison_has_a_row_of_advisories(packages: World) -> None:
    found = await stored(packages, affected("acme/greet", "introduced 0"))
    text = told(await page(packages, "/compare?packages=acme/greet,acme/app"))
    assert f"Known vulnerabilities Vulnerable {found.id} None" in text


# --- Answers for agents --------------------------------------------------------------------------


async def test_agents_are_told_of_advisories(packages: World) -> None:
    found = await stored(packages, GREET, database_specific={"severity": "HIGH"})
    agent = Agent(packages)
    told = await agent.use("get_package", package="acme/greet", version="1.0.0")
    assert told.structured["advisories"] == [
        {
            "id": found.id,
            "severity": "high",
            "fixedIn": "1.2.0",
            "authorSummary": "Greets strangers",
        }
    ]
    assert "has 1 known vulnerability. Use `1.2.0`, which none affects." in told.text
    free = await agent.use("get_package", package="acme/greet", version="1.2.0")
    assert free.structured["advisories"] == []
    lock = '[[package]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'
    [row] = (await agent.use("check", dependencies=lock)).structured["packages"]
    assert row["advisories"] == found.id
    without_fix = await stored(packages, affected("acme/greet", "introduced 0"))
    resolved = await agent.use("resolve", packages=["acme/app", "acme/greet:1.0.0"])
    marks = {each["package"]: each["advisories"] for each in resolved.structured["packages"]}
    assert marks == {"acme/app": "", "acme/greet": without_fix.id}


async def test_agents_see_which_search_results_are_affected(packages: World) -> None:
    await stored(packages, affected("acme/greet", "introduced 0"))
    rows = (await Agent(packages).use("search_packages", query="acme")).structured["packages"]
    assert {each["package"]: each["isAffected"] for each in rows} == {
        "acme/greet": True,
        "acme/app": False,
    }
