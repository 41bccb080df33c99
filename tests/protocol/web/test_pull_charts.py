"""Pulls of a package as charts, which need no script and no click."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.coordinates import Coordinate
from shared.ports.pull_ledger import Pull
from tests.protocol.web.page_reader import Elements, opened
from tests.protocol.web.sample_packages import publish
from tests.support.pulls import Process
from tests.support.world import World

GREET = "/packages/acme/greet"
DAYS = 90


async def test_the_first_page_of_a_package_has_a_line_of_90_days(shelf: World) -> None:
    page = await opened(shelf, GREET)
    [points] = re.findall(r'<polyline points="([^"]+)"', page.text)
    days = [(float(each.partition(",")[0]) - 2) * (DAYS - 1) / 236 for each in points.split()]
    assert days == pytest.approx(list(map(round, days)), abs=0.05)
    assert {0, DAYS - 1} < set(map(round, days))  # Those of the same height are left out.
    assert "324 in the last 90 days" in " ".join(Elements.of(page).words.split())


async def test_the_line_is_there_from_the_first_day(own_shelf: World) -> None:
    await publish(own_shelf, "acme/new:1.0.0")
    page = await opened(own_shelf, "/packages/acme/new")
    [points] = re.findall(r'<polyline points="([^"]+)"', page.text)
    assert {each.partition(",")[2] for each in points.split()} == {"46.0"}


async def test_a_day_that_has_begun_elsewhere_is_not_in_the_line_yet(own_shelf: World) -> None:
    await publish(own_shelf, "acme/new:1.0.0")
    tomorrow = datetime.fromtimestamp(own_shelf.clock.now_ms() / 1000, UTC) + timedelta(days=1)
    pull = Pull(Coordinate.parse("acme", "new", "1.0.0"), f"{tomorrow:%Y-%m-%d}", "somebody", 0)
    await own_shelf.stores.pulls.record(Process().batch(pull))
    page = await opened(own_shelf, "/packages/acme/new")
    assert "0 in the last 90 days" in " ".join(Elements.of(page).words.split())


async def test_statistics_show_days_and_versions_without_a_click(shelf: World) -> None:
    page = await opened(shelf, f"{GREET}/statistics")
    chart = page.text.index('<svg class="bars"')
    assert "<details" not in page.text[page.text.index('id="tab"') : chart]
    assert "<title>2026-10-14: 12 (1.2.0: 9, 1.0.0: 3)</title>" in page.text
    assert re.findall(r"</span>(\d[^<]*)</li>", page.text) == ["1.2.0", "1.0.0"]


async def test_the_numbers_of_each_day_are_in_a_table_also_of_days_without_pulls(
    shelf: World,
) -> None:
    page = await opened(shelf, f"{GREET}/statistics")
    [table] = re.findall(r"Numbers by day</caption>.*?</table>", page.text, re.DOTALL)
    assert table.count("<tr><th") == DAYS + 1
    assert '<th scope="row">2026-10-14</th><td>9</td><td>3</td><td>12</td>' in table
    assert '<th scope="row">2026-08-06</th><td>0</td><td>0</td><td>0</td>' in table


async def test_no_style_in_a_drawing_that_the_policy_of_pages_would_drop(shelf: World) -> None:
    for path in (GREET, f"{GREET}/statistics"):
        text = (await opened(shelf, path)).text
        assert "<svg" in text, path
        assert "style=" not in text, path
