"""Pages: templates that are escaped, complete and run nothing by themselves; refusals as pages."""

import re
from typing import Any

import pytest
from jinja2 import FileSystemLoader

from functions.html.page_templates import TEMPLATES, fragment
from shared.prose.template_engine import page_environment

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


class NotedFilters(dict[str, Any]):
    """Every filter there may be; notes those that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.called = list[str]()

    def get(self, key: str, _default: object = None) -> Any:
        def note(*_arguments: object) -> str:
            self.called.append(key)
            return ""

        return note


@pytest.mark.parametrize("name", NAMES)
def test_no_filter_is_called_when_a_template_is_compiled(name: str) -> None:
    environment = page_environment(FileSystemLoader(TEMPLATES))
    environment.filters = filters = NotedFilters()
    environment.compile((TEMPLATES / name).read_text("utf-8"), name)
    assert filters.called == []


def test_a_filter_of_a_constant_is_called_when_a_template_is_compiled() -> None:
    environment = page_environment(FileSystemLoader(TEMPLATES))
    environment.filters = filters = NotedFilters()
    environment.compile("{{ 'a' | upper }}")
    assert filters.called == ["upper"]
