"""Pages: templates that are escaped, complete and run nothing by themselves; refusals as pages."""

import re

import pytest

from functions.http.pages import TEMPLATES, fragment

NAMES = sorted(str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("*.html"))
INLINE = r"<script(?! src=\"{{ static)|<style|\sstyle=|\son\w+=|javascript:|https?://"


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
