"""The manual at /docs: its pages, their links, and the forms for programs."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from functions.web.manual import PROGRAMS
from shared.prose.manual import FILES, page_name
from tests.paths import ROOT
from tests.protocol.web.page_reader import main_of, opened
from tests.support.world import URL, OpenWorld, World

PAGES = ["/docs", *(f"/docs/{page_name(file)}" for file in FILES)]


@pytest.fixture(scope="module")
async def world(shared_worlds: OpenWorld) -> World:
    return await shared_worlds()


async def test_the_overview_lists_every_page(world: World, page: SnapshotAssertion) -> None:
    answer = await opened(world, "/docs")
    assert all(f'href="{each}"' in answer.text for each in PAGES)
    assert main_of(answer) == page


async def test_a_page_of_the_manual(world: World, page: SnapshotAssertion) -> None:
    assert main_of(await opened(world, "/docs/go-toolchain")) == page


@pytest.mark.parametrize("path", PAGES)
async def test_every_link_of_a_page_leads_to_a_place(world: World, path: str) -> None:
    text = (await opened(world, path)).text
    assert f"{URL}" in text or path not in ("/docs", "/docs/clients")
    links = re.findall(r'href="(/docs[\w/-]*)?(?:#([^"]+))?"', text)
    assert links
    there = {
        address: await opened(world, address or path) for address in {each[0] for each in links}
    }
    for address, place in links:
        assert there[address].status_code == 200, address
        assert not place or f'id="{place}"' in there[address].text, (path, address, place)


@pytest.mark.parametrize("path", PAGES)
async def test_every_header_of_a_table_has_words(world: World, path: str) -> None:
    text = (await opened(world, path)).text
    headers = re.findall(r"<th[^>]*>(.*?)</th>", text, re.DOTALL)
    assert bool(headers) == ("<table" in text)
    assert all(each.strip() for each in headers)


async def test_the_programs_lead_to_their_sections(world: World) -> None:
    for _, address in PROGRAMS:
        path, _, place = address.partition("#")
        there = await opened(world, path)
        assert there.status_code == 200
        assert not place or f'id="{place}"' in there.text, address


async def test_links_of_templates_lead_to_pages_and_places_of_the_manual(world: World) -> None:
    templates = sorted((ROOT / "functions" / "templates").rglob("*.html"))
    texts = [each.read_text("utf-8") for each in templates]
    links = sorted({link for text in texts for link in re.findall(r'"(/docs/[^"{]+)"', text)})
    assert links
    for link in links:
        path, _, place = link.partition("#")
        there = await opened(world, path)
        assert there.status_code == 200, link
        assert not place or f'id="{place}"' in there.text, link


async def test_programs_get_the_markdown(world: World) -> None:
    for path, accept in (("/docs/login", "text/markdown"), ("/docs/login?form=markdown", "")):
        answer = await opened(world, path, accept)
        assert answer.headers["content-type"].startswith("text/markdown")
        assert answer.text.startswith("# Device login\n")
        assert f"{URL}/login.py" in answer.text


async def test_a_page_that_does_not_exist_is_a_404(world: World) -> None:
    for path in ("/docs/administration", "/docs/nothing", "/docs/..%2fREADME"):
        assert (await opened(world, path)).status_code == 404
