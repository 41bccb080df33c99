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


async def assert_leads_to_a_place(world: World, address: str) -> None:
    """Check that a page is there, and has the place of it that the address names."""
    path, _, place = address.partition("#")
    there = await opened(world, path)
    assert there.status_code == 200, address
    assert not place or f'id="{place}"' in there.text, address


@pytest.mark.parametrize("path", ["/docs", "/docs/clients"])
async def test_commands_have_the_address_of_the_registry(world: World, path: str) -> None:
    assert URL in (await opened(world, path)).text


@pytest.mark.parametrize("path", PAGES)
async def test_every_link_of_a_page_leads_to_a_place(world: World, path: str) -> None:
    text = (await opened(world, path)).text
    links = re.findall(r'href="(/docs[\w/-]*)?(?:#([^"]+))?"', text)
    assert links
    for address, place in set(links):
        await assert_leads_to_a_place(world, f"{address or path}#{place}")


@pytest.mark.parametrize("path", PAGES)
async def test_every_header_of_a_table_has_words(world: World, path: str) -> None:
    text = (await opened(world, path)).text
    headers = re.findall(r"<th[^>]*>(.*?)</th>", text, re.DOTALL)
    assert bool(headers) == ("<table" in text)
    assert all(each.strip() for each in headers)


async def test_the_programs_lead_to_their_sections(world: World) -> None:
    for _, address in PROGRAMS:
        await assert_leads_to_a_place(world, address)


async def test_links_of_templates_lead_to_pages_and_places_of_the_manual(world: World) -> None:
    templates = sorted((ROOT / "functions" / "templates").rglob("*.html"))
    texts = [each.read_text("utf-8") for each in templates]
    links = sorted({link for text in texts for link in re.findall(r'"(/docs/[^"{]+)"', text)})
    assert links
    for link in links:
        await assert_leads_to_a_place(world, link)


async def test_programs_get_the_markdown(world: World) -> None:
    for path, accept in (("/docs/login", "text/markdown"), ("/docs/login?form=markdown", "")):
        answer = await opened(world, path, accept)
        assert answer.headers["content-type"].startswith("text/markdown")
        assert answer.text.startswith("# Device login\n")
        assert f"{URL}/login.py" in answer.text


async def test_a_page_that_does_not_exist_is_a_404(world: World) -> None:
    for path in ("/docs/administration", "/docs/nothing", "/docs/..%2fREADME"):
        assert (await opened(world, path)).status_code == 404
