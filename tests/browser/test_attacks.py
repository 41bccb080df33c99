"""Hostile texts in a real browser: nothing runs, nothing is fetched, nothing leaves its box.

The pages of these tests have no Content-Security-Policy, which would hide what is let through.
"""

import re
from itertools import islice
from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Page

from shared.prose.rendering import render_markdown
from shared.prose.text_links import TextPlace
from tests.browser.chromium import Watched
from tests.browser.conftest import Open
from tests.browser.hostile_texts import attacks
from tests.browser.sample_registry import Site

FILES = "/files/acme/greet/1.0.0"
PLACE = TextPlace(FILES, folder="docs")
A_BATCH = 120  # Attacks; one page shows them all.
BATCHES = range(-(-len(attacks()) // A_BATCH))
WATCH = "window.ran = []; window.pwn = what => window.ran.push(String(what));"
FENCE = '<p class="fence">A fence.</p>'
JUDGING = Path(__file__).with_name("judging.js").read_text("utf-8")
FRAME = """() => ({
  children: document.body.children.length, forms: document.forms.length, title: document.title,
  headings: document.querySelectorAll("h1").length, mains: document.querySelectorAll("main").length,
})"""
HUGE = '<svg xmlns="http://www.w3.org/2000/svg" width="9000" height="9000"/>'


def test_there_are_at_least_two_hundred_attacks() -> None:
    assert len(set(attacks().values())) >= 200


@pytest.mark.parametrize("batch", BATCHES)
def test_attacks_do_nothing(shared_site: Site, opened: Open, batch: int) -> None:
    chosen = dict(islice(attacks().items(), batch * A_BATCH, (batch + 1) * A_BATCH))
    assert_harmless(opened(shared_site.url), chosen)


def test_attacks_on_the_layout_do_nothing_on_a_phone(shared_site: Site, opened: Open) -> None:
    assert_harmless(opened(shared_site.url, form="phone"), family("layout"))


def test_attacks_work_where_nothing_is_cleaned(shared_site: Site, opened: Open) -> None:
    watched = opened(shared_site.url)
    ran = (
        text
        for text in islice(family("script").values(), 10)
        if shown(watched, text).evaluate("window.ran.length")
    )
    assert len(list(islice(ran, 3))) == 3
    shown(watched, "".join(family("tracking").values()))
    assert any("evil.example" in address for address in watched.foreign)


@pytest.mark.parametrize("name", ["event", "mutation", "layout"])
def test_hostile_text_that_nothing_sanitized_is_detected(
    shared_site: Site, opened: Open, name: str
) -> None:
    watched = opened(shared_site.url)
    found = (
        key
        for key, text in islice(family(name).items(), 6)
        if judged(watched, f'<article data-attack="{key}">{text}</article>{FENCE}')
    )
    assert len(list(islice(found, 4))) == 4


def family(name: str) -> dict[str, str]:
    """Return the attacks of one kind."""
    return {key: text for key, text in attacks().items() if key.startswith(name)}


def assert_harmless(watched: Watched, chosen: dict[str, str]) -> None:
    """Show the attacks as pages show texts; fail where one of them does anything."""
    problems = judged(
        watched,
        "".join(
            f'<article class="prose" dir="auto" data-attack="{name}">'
            f"{render_markdown(text, PLACE)}</article>{FENCE}"
            for name, text in chosen.items()
        ),
    )
    assert not problems, "\n".join(problems)
    assert watched.page.evaluate("window.ran") == []
    assert not watched.foreign, watched.foreign
    assert not watched.dialogs, watched.dialogs


def judged(watched: Watched, content: str) -> list[str]:
    """Show the content, and return what is wrong with the page."""
    frame = shown(watched, "", until="load").evaluate(FRAME)
    page = shown(watched, content)
    return page.evaluate(JUDGING, {"files": watched.origin + FILES, "frame": {**frame, "bases": 0}})


def shown(
    watched: Watched, content: str, until: Literal["load", "networkidle"] = "networkidle"
) -> Page:
    """Show the content in the frame of the site, and wait until all of it has happened."""
    page = watched.page
    answer = httpx.get(f"{watched.origin}/sign-in")
    document = re.sub(
        r"(<main.*?>).*(</main>)",
        lambda main: f"{main[1]}<h1>Attacks</h1>{content}{main[2]}",
        answer.text,
        flags=re.DOTALL,
    )
    page.unroute_all()
    page.route("**/attacked", lambda route: route.fulfill(body=document, content_type="text/html"))
    page.route(
        f"**{FILES}/**", lambda route: route.fulfill(body=HUGE, content_type="image/svg+xml")
    )
    page.add_init_script(WATCH)
    page.goto(f"{watched.origin}/attacked", wait_until=until)
    return page
