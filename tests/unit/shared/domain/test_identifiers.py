"""Names that are reserved words have a quote."""

import pytest

from shared.ballerina.types import PLAIN_TYPES
from shared.domain.identifiers import RESERVED_WORDS, import_line, module_prefix


@pytest.mark.parametrize(
    ("module", "line", "prefix"),
    [
        ("greet", "import kwords/greet;", "greet"),
        ("data.table", "import kwords/data.'table;", "'table"),
        ("client.stream", "import kwords/'client.'stream;", "'stream"),
        ("error", "import kwords/'error;", "'error"),
        ("type.names", "import kwords/'type.names;", "names"),
        ("tables", "import kwords/tables;", "tables"),
        ("Error", "import kwords/Error;", "Error"),
    ],
)
def test_a_reserved_word_in_the_name_of_a_module_has_a_quote(
    module: str, line: str, prefix: str
) -> None:
    assert import_line("kwords", module) == line
    assert module_prefix(module) == prefix


def test_an_organization_may_be_a_reserved_word_too() -> None:
    assert import_line("service", "greet") == "import 'service/greet;"


def test_the_names_of_types_are_reserved() -> None:
    assert PLAIN_TYPES <= RESERVED_WORDS
