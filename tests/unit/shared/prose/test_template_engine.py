"""The template engine: what templates put out is escaped once."""

import pytest
from jinja2 import DictLoader, UndefinedError
from markupsafe import Markup

from shared.prose.safe_html import SafeHtml
from shared.prose.template_engine import page_environment


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


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        rendered("{{ missing }}")
