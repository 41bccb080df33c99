"""Pages: templates that are escaped, complete and run nothing by themselves; refusals as pages."""

import re
import subprocess
import sys

import azure.functions as func
import pytest
from jinja2 import UndefinedError

from functions.http.pages import (
    PAGE_HEADERS,
    TEMPLATES,
    PageCall,
    Pages,
    RefusalPage,
    fragment,
    render_template,
)
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import Busy, PageNotFound, StorageFull
from shared.runtime.answers import Answer
from tests.paths import ROOT
from tests.support.operations import call_as
from tests.support.world import World

NAMES = sorted(str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("*.html"))
INLINE = r"<script(?! src=\"{{ static)|<style|\sstyle=|\son\w+=|javascript:|https?://"


def page_call(world: World) -> PageCall:
    return call_as(PageCall, func.HttpRequest("GET", "/", body=b""), world.registry)


def refused(world: World, refusal: Refusal) -> Answer:
    return Pages[PageCall]().refused(page_call(world), refusal)


async def test_values_are_shown_as_text(world: World) -> None:
    page = page_call(world).message("<script>", '"><img src=x>').body.decode()
    assert page.count("<script") == 1  # Ours, by its address.
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render_template("message.html", {"title": "x", "visitor": None})


def test_a_fragment_is_rendered_once_for_the_same_values_and_escaped() -> None:
    values = ("acme", "greet", "1.0.0", "<b>", "public", True, "")
    made = fragment("web/_packages.html", "heading", *values)
    assert made is fragment("web/_packages.html", "heading", *values)
    assert "&lt;b&gt;" in made
    assert "Deprecated" in made
    assert "Private" not in made
    assert "Private" in fragment("web/_packages.html", "heading", *values[:4], "private", False, "")


@pytest.mark.parametrize("name", NAMES)
def test_no_template_runs_styles_or_asks_for_anything_by_itself(name: str) -> None:
    assert not re.search(INLINE, (TEMPLATES / name).read_text("utf-8"))


def test_nobody_else_is_let_in() -> None:
    policy = PAGE_HEADERS["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


def test_modules_that_render_pages_are_imported_by_the_first_page() -> None:
    program = "import sys, functions.http.pages; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("refusal", "seconds"), [(Busy(), "2"), (StorageFull(), "300")])
async def test_a_visitor_that_is_too_early_reads_when_to_retry(
    world: World, refusal: Refusal, seconds: str
) -> None:
    page = refused(world, refusal)
    assert (page.status, page.headers["Retry-After"]) == (503, seconds)
    assert page.headers["Cache-Control"] == "no-store"


async def test_a_refusal_may_have_a_page_of_its_own(world: World) -> None:
    call = page_call(world)
    values = {"title": "Moved", "sentences": ("It is elsewhere.",)}
    call.refusal_page = RefusalPage("message.html", values)
    page = Pages[PageCall]().refused(call, PageNotFound("/x"))
    assert page.status == 404
    assert b"It is elsewhere." in page.body
    assert str(PageNotFound("/x")).encode() not in page.body


async def test_a_page_that_failed_shows_what_to_quote_and_nothing_of_the_inside(
    world: World,
) -> None:
    call = page_call(world)
    page = Pages[PageCall]().failed(call)
    assert page.status == 500
    assert f"<code>{call.exchange.request_id}</code>".encode() in page.body
