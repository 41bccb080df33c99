"""A word that the language reserves has a quote in a name."""

import pytest

from shared.ballerina.types import PLAIN_TYPES
from shared.domain.source_names import KEYWORDS, import_line, module_prefix


@pytest.mark.parametrize(
    ("line", "prefix"),
    [
        ("import kwords/greet;", "greet"),
        ("import kwords/data.'table;", "'table"),
        ("import 'service/'client.'stream;", "'stream"),
        ("import kwords/'error;", "'error"),
        ("import kwords/'type.names;", "names"),
        ("import kwords/tables;", "tables"),
        ("import kwords/Error;", "Error"),
    ],
)
def test_a_reserved_word_in_the_name_of_a_module_has_a_quote(line: str, prefix: str) -> None:
    org, module = line.replace("'", "").removeprefix("import ").removesuffix(";").split("/")
    assert import_line(org, module) == line
    assert module_prefix(module) == prefix


def test_the_names_of_types_are_reserved() -> None:
    assert PLAIN_TYPES <= KEYWORDS
