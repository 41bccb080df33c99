"""What everybody reads of advisories beside the packages that they affect."""

import json

import pytest

from shared.domain.advisories.advisories import Advisory, AdvisoryState
from tests.support.advisories import advisory, affected
from tests.support.archives import bala
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
