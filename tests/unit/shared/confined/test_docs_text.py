"""Documentation as Markdown, and calls of functions."""

from shared.confined.docs_text import json_text, module_markdown, outline_of, symbol_markdown
from shared.domain.api_docs.calls import Calls
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.outline import DocsSymbol, declared
from tests.support.documented import documented
from tests.support.release_jobs import a_request

SOURCE = """
# Sells things.
#
# All of them.
public client class Client {
    # Opens.
    public function init(string url, int timeout = 3) returns error? {}
    # Buys.
    # + item - What
    # + return - A receipt
    remote function buy(string item) returns string|error {}
    resource function get items/[string id]/parts/[int... path]() {}
    public function plain() {}
}
public class Xml { }
# Older.
# # Deprecated
# Use `open`.
@deprecated
public function start() {}
public function open(string name) returns error? {}
public type Item record {| string name; |};
public const LIMIT = 3;
"""
SHOP = documented(SOURCE)
REQUEST = a_request()


def symbol(path: str, module: ModuleDocs = SHOP) -> DocsSymbol:
    for _, each in declared(module):
        for found in (each, *each.members()):
            if found.path == path:
                return found
    raise KeyError(path)


def test_an_outline_has_the_symbols_of_a_kind_below_its_title() -> None:
    found = [(title, [each.title for each in symbols]) for title, symbols in outline_of(SHOP)]
    assert found == [
        ("Clients", ["Client"]),
        ("Functions", ["open", "start"]),
        ("Classes", ["Xml"]),
        ("Records", ["Item"]),
        ("Constants", ["LIMIT"]),
    ]


def test_a_module_as_markdown_has_the_first_line_of_each_comment() -> None:
    text = module_markdown(REQUEST, SHOP.model_copy(update={"summary": "A shop."}))
    assert text.startswith("# acme/shop 1.2.0\n\nA shop.\n\n```ballerina\nimport acme/shop;\n```\n")
    assert "Page: \0/packages/acme/shop/1.2.0/docs/shop\n" in text
    assert "Sells things." in text
    assert "All of them." not in text
    assert "A shop." not in module_markdown(REQUEST, SHOP)


def test_a_symbol_as_markdown_has_its_comment_its_call_and_its_members() -> None:
    text = symbol_markdown(Calls.of(SHOP), symbol("Client"))
    assert "All of them." in text
    assert "## Call" in text
    assert "## buy" in text
    method = symbol_markdown(Calls.of(SHOP), symbol("Client.buy"))
    assert "- `item`: What\n- `returns`: A receipt\n" in method
    assert "## Call" not in symbol_markdown(Calls.of(SHOP), symbol("Item"))


def test_json_has_no_blanks() -> None:
    assert json_text({"größe": [1, 2]}) == '{"größe":[1,2]}'


def test_a_record_as_markdown_has_the_fields_that_it_includes() -> None:
    module = documented(
        """
        import ballerina/http;
        public type Settings record {| *Common; *http:Settings; |};
        public type Common record {|
            # How long to wait.
            decimal timeout = 30;
        |};
        """
    )
    symbol = next(each for _, each in declared(module) if each.title == "Settings")
    text = symbol_markdown(Calls.of(module), symbol)
    assert text.endswith(
        "## timeout (of *Common)\n\n```ballerina\ndecimal timeout = 30\n```\n\n"
        "How long to wait.\n\n"
        "## Fields of *http:Settings\n\nThe documentation of its own package has them.\n"
    )
