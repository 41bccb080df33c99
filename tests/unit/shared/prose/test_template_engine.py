"""The template engine: what templates put out is escaped once."""

from importlib.util import cache_from_source
from pathlib import Path

import jinja2
import pytest
from jinja2 import DictLoader, FileSystemLoader, UndefinedError
from markupsafe import Markup

from shared.prose.safe_html import SafeHtml
from shared.prose.template_engine import CompiledTemplates, page_environment


def rendered(template: str, **values: object) -> str:
    return page_environment(DictLoader({"page": template})).get_template("page").render(values)


@pytest.mark.parametrize("character", "&<>'\"")
def test_a_special_character_is_escaped_wherever_it_stands(character: str) -> None:
    escaped = str(Markup.escape(character))
    for text in (character, f"a{character}", f"{character}b"):
        assert rendered("{{ text }}", text=text) == text.replace(character, escaped)


@pytest.mark.parametrize("value", [7, None, 1.5, ("<",)])
def test_other_values_are_escaped_as_texts(value: object) -> None:
    assert rendered("{{ value }}", value=value) == str(Markup.escape(str(value)))


@pytest.mark.parametrize("kind", [Markup, SafeHtml])
def test_html_is_put_out_as_it_is(kind: type[str]) -> None:
    assert rendered("{{ html }}", html=kind("<b>&amp;</b>")) == "<b>&amp;</b>"


def test_what_a_macro_puts_out_is_escaped_once() -> None:
    template = "{% macro bold(text) %}<b>{{ text }}</b>{% endmacro %}{{ bold('<') ~ text }}"
    assert rendered(template, text="&") == "<b>&lt;</b>&amp;"


def test_a_filter_gets_texts_of_macros_as_html() -> None:
    template = "{% macro bold(text) %}<b>{{ text }}</b>{% endmacro %}{{ [bold(1), '<'] | join }}"
    assert rendered(template) == "<b>1</b>&lt;"


def test_what_a_template_calls_gets_what_the_template_names() -> None:
    template = "{% macro named(text, more='') %}{{ text }}{{ more }}{% endmacro %}"
    calls = "{{ named('a', more='b') }}{% for each in [1] %}{{ called(each, more=2) }}{% endfor %}"
    assert rendered(template + calls, called=lambda number, more: number + more) == "ab3"


def test_nothing_that_every_template_may_call_asks_for_its_context() -> None:
    called = page_environment(DictLoader({})).globals.values()
    assert not [each for each in called if hasattr(each, "jinja_pass_arg")]


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        rendered("{{ missing }}")


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a template, where Python writes bytecode."""
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    monkeypatch.setattr("sys.pycache_prefix", None)
    (tmp_path / "page.html").write_text("<p>{{ text }}</p>")
    return tmp_path


def shown(folder: Path) -> str:
    environment = page_environment(FileSystemLoader(folder), CompiledTemplates())
    return environment.get_template("page.html").render(text="<")


def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise AssertionError

    monkeypatch.setattr(jinja2.Environment, "_parse", refuse)


def test_a_compiled_template_is_not_compiled_again(
    templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(templates)
    without_compiler(monkeypatch)
    assert shown(templates) == "<p>&lt;</p>"


def test_a_changed_template_is_compiled_again(templates: Path) -> None:
    shown(templates)
    (templates / "page.html").write_text("<b>{{ text }}</b>")
    assert shown(templates) == "<b>&lt;</b>"


def test_another_jinja_compiles_templates_again(
    templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(templates)
    monkeypatch.setattr("jinja2.__version__", "4.0")
    without_compiler(monkeypatch)
    with pytest.raises(AssertionError):
        shown(templates)


@pytest.mark.parametrize("kept", [b"", b"j2", b"nothing of Jinja"])
def test_bytecode_that_cannot_be_read_is_made_again(templates: Path, kept: bytes) -> None:
    file = Path(cache_from_source(str(templates / "page.html")))
    shown(templates)
    file.write_bytes(kept)
    assert shown(templates) == "<p>&lt;</p>"
    assert file.read_bytes() != kept


def test_templates_are_shown_where_no_bytecode_can_be_written(templates: Path) -> None:
    (templates / "__pycache__").write_text("a file, and no folder")
    assert shown(templates) == "<p>&lt;</p>"


def test_no_bytecode_is_written_where_python_writes_none(
    templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    shown(templates)
    assert [each.name for each in templates.iterdir()] == ["page.html"]
