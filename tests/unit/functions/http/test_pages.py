"""Pages: templates that are escaped, complete and run nothing by themselves; refusals as pages."""

import re
import subprocess
import sys

import pytest
from jinja2 import UndefinedError

from functions.http.pages import PAGE_HEADERS, TEMPLATES, fragment, render_template
from tests.paths import ROOT

NAMES = sorted(str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("*.html"))
INLINE = r"<script(?! src=\"{{ static)|<style|\sstyle=|\son\w+=|javascript:|https?://"


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
