"""Row 12: what an archive says is shown, and never run; row 14: what it hides is seen."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from functions.web.package.frame import TAB_PAGES
from tests.protocol.web.page_reader import Elements, opened
from tests.protocol.web.sample_packages import fill, publish
from tests.support.archives import bala
from tests.support.world import URL, Template, World

HOSTILE = "/packages/other/hostile"
PAGES = [HOSTILE, *(f"{HOSTILE}/1.0.0/{key}" for key in TAB_PAGES if key != "readme")]
TURN = "\u202e"  # What follows is read from right to left.

SOURCE = f'function main() {{ // {TURN}if (admin) {{\n    io:println("{TURN}");\n}}\n'


@pytest.fixture(scope="module")
async def filled(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return a data folder with packages of those who wish others ill."""
    return await template.filled(tmp_path_factory.mktemp("filled") / "data", fill)


@pytest.fixture
async def shelf(filled: Template, scratch: Path) -> AsyncGenerator[World]:
    async with filled.world(scratch / "data") as world:
        yield world


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_runs_or_loads_what_an_author_wrote(shelf: World, path: str) -> None:
    answer = await opened(shelf, path)
    page = Elements.of(answer)
    assert [each["src"].split(".")[0] for each in page.every("script")] == ["/static/site"]
    for tag, attributes in page.found:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert tag not in ("iframe", "object", "embed", "base", "style", "form") or (
            attributes.get("action") == "/search"
        )
    addresses = [each[name] for _, each in page.found for name in ("href", "src") if name in each]
    assert not [each for each in addresses if each.strip().lower().startswith(("java", "data:"))]
    pictures = [each["src"] for each in page.every("img")]
    assert not [each for each in pictures if not each.startswith("/")]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_links_of_authors_lead_out_without_trust(shelf: World) -> None:
    page = Elements.of(await opened(shelf, "/packages/acme/greet"))
    outward = [each for each in page.every("a") if each["href"].startswith("https://github.com")]
    assert len(outward) == 5
    for each in outward:
        assert {"nofollow", "ugc", "noopener", "noreferrer"} <= set(each["rel"].split())


async def test_authors_are_shown_as_they_are_written(world: World) -> None:
    written = ["Microsoft", "<b>Kim</b>"]
    await world.push(bala("acme/greet:1.0.0", authors=written))
    text = (await opened(world, "/packages/acme/greet")).text
    assert "Microsoft, &lt;b&gt;Kim&lt;/b&gt;" in text


@pytest.mark.parametrize(
    ("file", "media_type"),
    [("page.html", "text/plain; charset=utf-8"), ("picture.svg", "image/svg+xml")],
)
async def test_no_content_of_an_archive_runs_on_our_origin(
    shelf: World, file: str, media_type: str
) -> None:
    answer = await shelf.get(f"{URL}/files/other/hostile/1.0.0/resources/{file}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment")
    policy = answer.headers["content-security-policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_characters_that_change_the_direction_of_a_line_are_shown(shelf: World) -> None:
    await publish(
        shelf,
        "other/turned:1.0.0",
        summary=f"Pays {TURN}people",
        readme=f"# Pay {TURN}\n\n{TURN}text\n",
        authors=[f"Eve {TURN}"],
        keywords=[f"pay{TURN}"],
        source_repository=f"https://example.org/{TURN}x",
        entries={"modules/turned/pay.bal": SOURCE},
    )
    page = "/packages/other/turned"
    at = "/packages/other/turned/1.0.0/files?path="
    for path in (page, f"{at}modules/turned/pay.bal"):
        answer = await opened(shelf, path)
        assert "[U+202E]" in answer.text
        words = Elements.of(answer).words
        assert TURN not in words, path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/keywords",
        "/search?q=turned",
        f"/search?q=turned&keyword=pay{TURN}",
        "/search?q=turned&form=suggestions",
    ],
)
async def test_characters_that_change_the_direction_are_shown_in_lists(
    shelf: World, path: str
) -> None:
    for name in ("turned", "turned2"):
        await publish(
            shelf,
            f"other/{name}:1.0.0",
            keywords=[f"pay{TURN}"],
            licenses=[f"MIT{TURN}"],
            summary=f"Pays {TURN}",
        )
    text = (await opened(shelf, path)).text.replace("<wbr>", "")
    assert "[U+202E]" in text
    assert TURN not in text


@pytest.mark.parametrize(
    "path",
    [
        f"/packages/acme/{TURN}evil",
        f"/packages/{TURN}evil/greet/1.0.0",
        f"/search?q={TURN}evil",
        f"/organizations?q={TURN}evil",
    ],
)
async def test_no_address_turns_a_title_or_a_sentence(shelf: World, path: str) -> None:
    page = Elements.of(await opened(shelf, path))
    assert "[U+202E]" in page.words
    assert TURN not in page.words


async def test_a_repository_that_nobody_vouches_for_is_called_a_claim(shelf: World) -> None:
    await publish(shelf, "other/star:1.0.0", source_repository="https://github.com/acme/greet")
    words = Elements.of(await opened(shelf, "/packages/other/star")).words
    assert "Unverified source link" in words
    assert "Verified" not in words


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/acme/greet-jacked",
        "https://github.com/ACME/greeting",
        "https://github.com@evil.example/acme/greet",
        "https://xn--gthub-n4a.com/acme/greet",
        "https://github.com/acme/greet.git.evil",
    ],
)
async def test_a_job_vouches_for_its_own_repository_alone(shelf: World, address: str) -> None:
    await publish(shelf, "acme/star:1.0.0", job=True, source_repository=address)
    words = Elements.of(await opened(shelf, "/packages/acme/star")).words
    assert "Unverified source link" in words
