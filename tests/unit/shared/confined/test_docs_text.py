"""The texts of modules and symbols."""

from shared.confined.docs_text import json_text, module_markdown, outline_of, symbol_text
from shared.domain.api_docs.calls import Calls
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.outline import DocsSymbol, declared
from shared.domain.api_docs.symbol_texts import CommentText, SymbolText, symbol_markdown
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


def text_of(path: str, module: ModuleDocs = SHOP) -> SymbolText:
    return symbol_text(Calls.of(module), symbol(path, module))


def markdown_of(path: str, module: ModuleDocs = SHOP) -> str:
    return symbol_markdown(text_of(path, module), "acme/shop 1.2.0")


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
    text = markdown_of("Client")
    assert text.startswith("# Client (client of acme/shop 1.2.0)\n\n```ballerina\npublic client ")
    assert "All of them." in text
    assert "## Call" in text
    assert "## buy" in text
    method = markdown_of("Client.buy")
    assert "- `item`: What\n- `returns`: A receipt\n" in method
    assert "## Call" not in markdown_of("Item")


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
    assert markdown_of("Settings", module).endswith(
        "## timeout (of *Common)\n\n```ballerina\ndecimal timeout = 30\n```\n\n"
        "How long to wait.\n\n"
        "## Fields of *http:Settings\n\nThe documentation of its own package has them.\n"
    )


TYPES = """
import ballerina/http;
public type Item record {| string name = "Mood"; http:Config config; Item[] more; anydata a; |};
public enum Mood { GLAD }
public function buy(Item item, Mood mood, Item other) returns http:Error? {}
public type Id string;
public client class Client {
    resource function get items/[Id id]/[Mood|"Item"|int... moods](Item item) {}
    resource function get [http:Id id]() {}
}
"""


def test_a_symbol_says_which_declaration_each_type_is() -> None:
    module = documented(TYPES)

    def types(path: str) -> list[str]:
        found = text_of(path, module).types
        return [f"{each.org}/{each.module}:{each.version} {each.name}" for each in found]

    own = "acme/shop:1.2.0"
    http = "ballerina/http:2.12.1"
    assert types("buy") == [f"{own} Item", f"{own} Mood", f"{http} Error"]
    assert types("Item") == [f"{http} Config", f"{own} Item"]
    assert types("Client") == [f"{own} Id", f"{own} Mood", f"{own} Item"]


def test_a_comment_is_divided_into_what_it_says_of_each() -> None:
    module = documented("""
        # Buys.
        #
        # - `item`: no parameter
        # + item - What
        #          to buy
        # + return - A receipt
        # # Deprecated
        # Use `order`.
        @deprecated
        public function buy(string item, int count) returns string {}
    """)
    assert text_of("buy", module).comment == CommentText(
        deprecation="Use `order`.",
        text="Buys.\n\n- `item`: no parameter",
        parameters=(("item", "What to buy"),),
        result="A receipt",
    )


def test_methods_of_included_types_are_members_that_the_source_does_not_have() -> None:
    module = documented("""
        public type Base object { public int n; public function included(); };
        public class Shop { *Base; public int n = 1; public function own() = external; }
    """)
    text = text_of("Shop", module)
    assert text.source.splitlines()[1:] == [
        "    *Base;",
        "    public int n = 1;",
        "    public function own() = external;",
        "}",
    ]
    assert sorted(each.name for each in text.members) == ["included", "n", "own"]
