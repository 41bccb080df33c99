"""/static/{file}: immutable files whose names contain a hash."""

import pytest

from functions.html.page_templates import STATIC, static_path
from tests.support.world import URL, World

NAMES = sorted(file.name for file in STATIC.iterdir())


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_is_served_under_the_hash_of_its_bytes_for_ever(
    world: World, name: str
) -> None:
    answer = await world.get(URL + static_path(name))
    assert answer.status_code == 200
    assert answer.content == (STATIC / name).read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_a_style_sheet_is_one(world: World) -> None:
    answer = await world.get(URL + static_path("site.css"))
    assert answer.headers["content-type"] == "text/css; charset=utf-8"


async def test_a_page_of_another_version_gets_todays_file_and_does_not_keep_it(
    world: World,
) -> None:
    answer = await world.get(f"{URL}/static/site.000000000000.css")
    assert answer.content == (STATIC / "site.css").read_bytes()
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("file", ["site.css", "other.0123456789ab.css", "..%2F_pages.py", "x"])
async def test_nothing_else_is_served(world: World, file: str) -> None:
    answer = await world.get(f"{URL}/static/{file}")
    assert answer.status_code == 404
    assert "There is no page" in answer.text


async def test_a_style_sheet_asks_for_nothing_from_elsewhere() -> None:
    sheet = (STATIC / "site.css").read_text("utf-8")
    assert not [word for word in ("url(", "@import", "//") if word in sheet]
