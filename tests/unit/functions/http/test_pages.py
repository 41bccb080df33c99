"""Templates: escaped, complete, and nothing that a strict browser would not run."""

import re
import subprocess
import sys

import pytest
from jinja2 import UndefinedError

from functions.http.pages import (
    PAGE_HEADERS,
    TEMPLATES,
    Visitor,
    fragment,
    message_page,
    render_page,
    render_template,
    static_path,
)
from tests.paths import ROOT

NAMES = sorted(str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("*.html"))
INLINE = r"<script(?! src=\"{{ static)|<style|\sstyle=|\son\w+=|javascript:|https?://"


def test_values_are_shown_as_text() -> None:
    page = message_page("<script>", '"><img src=x>').get_body().decode()
    assert page.count("<script") == 1  # Ours, by its address.
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render_template("message.html", {"title": "x", "visitor": None})


def test_a_fragment_is_rendered_once_for_the_same_values_and_escaped() -> None:
    values = ("acme", "greet", "1.0.0", "<b>", False, True, "")
    made = fragment("web/_packages.html", "heading", *values)
    assert made is fragment("web/_packages.html", "heading", *values)
    assert "&lt;b&gt;" in made
    assert "Deprecated" in made
    assert "Private" not in made
    assert "Private" in fragment("web/_packages.html", "heading", *values[:4], True, False, "")


@pytest.mark.parametrize("name", NAMES)
def test_no_template_runs_styles_or_asks_for_anything_by_itself(name: str) -> None:
    assert not re.search(INLINE, (TEMPLATES / name).read_text("utf-8"))


def test_a_page_begins_as_one_and_leads_past_its_frame() -> None:
    page = message_page("Title", "Words.").get_body().decode()
    assert page.startswith('<!doctype html>\n<html lang="en">')
    assert '<a class="skip" href="#content">' in page
    assert '<main id="content"' in page
    assert page.count("<h1>") == 1
    assert static_path("site.css") in page


def test_the_header_shows_who_is_signed_in_and_lets_them_leave() -> None:
    page = render_page(
        "message.html", title="T", sentences=(), visitor=Visitor("kim", "c5rf")
    ).get_body()
    assert b'<span class="menu-name">kim</span>' in page
    assert b'<form method="post" action="/sign-out">' in page
    assert b'<input type="hidden" name="csrf" value="c5rf">' in page


def test_nobody_else_is_let_in() -> None:
    policy = PAGE_HEADERS["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


def test_modules_that_render_pages_are_imported_by_the_first_page() -> None:
    program = "import sys, functions.http.pages; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
