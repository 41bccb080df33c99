"""Pages of documentation: where their links lead, and what they show of what is long."""

import re
from html import unescape

import pytest

from shared.confined import docs_pages
from shared.confined.docs_pages import DocsLinks, DocsPages, counted
from shared.confined.docs_text import symbol_text
from shared.domain.api_docs.calls import Calls
from shared.domain.api_docs.model import ModuleDocs, SourcePosition
from shared.domain.api_docs.outline import DocsSymbol, declared
from shared.domain.api_docs.symbol_texts import symbol_markdown
from shared.domain.api_docs.type_parts import TypeTarget
from tests.support.documented import documented
from tests.support.release_jobs import a_request

LINKS = DocsLinks(a_request())


def target(**fields: str) -> str:
    whole = {
        "org": "acme",
        "module": "shop",
        "version": "1.2.0",
        "name": "Item",
        "category": "records",
    }
    return LINKS.target(TypeTarget(**{**whole, **fields}))


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({}, "/packages/acme/shop/1.2.0/docs/shop/Item"),
        ({"module": "shop.hidden"}, "/docs/acme/shop.hidden/1.2.0/Item"),
        ({"version": "1.0.0"}, "/docs/acme/shop/1.0.0/Item"),
        ({"org": "a/b", "name": "'x?"}, "/docs/a%2Fb/shop/1.2.0/%27x%3F"),
        ({"category": "builtin", "name": "xml"}, "https://ballerina.io/spec/lang/master/#XML"),
        (
            {"category": "builtin", "name": "int"},
            "https://ballerina.io/spec/lang/master/#values_types",
        ),
        (
            {"org": "ballerina", "module": "lang.error"},
            "https://ballerina.io/spec/lang/master/#lang_library_modules",
        ),
    ],
)
def test_a_type_leads_to_its_documentation(fields: dict[str, str], address: str) -> None:
    assert target(**fields) == address


def test_a_line_leads_to_the_file_of_the_release() -> None:
    position = SourcePosition(file="a b.bal", line=7)
    assert LINKS.source("shop", position) == (
        "/packages/acme/shop/1.2.0/files?path=modules%2Fshop%2Fa%20b.bal#L-7"
    )
    assert LINKS.source("shop", None) == ""


def pages(module: ModuleDocs) -> DocsPages:
    return DocsPages.of(a_request(), module, {})


def symbol(module: ModuleDocs, name: str) -> DocsSymbol:
    return next(each for _, each in declared(module) if each.title == name)


def a_record(fields: int) -> ModuleDocs:
    lines = "".join(
        f"# Comment {number}.\n#\n# More of {number}.\nint f{number};\n" for number in range(fields)
    )
    return documented(f"public type R record {{|\n{lines}|}};")


def test_a_declaration_shows_its_members_with_their_comments_if_they_are_few() -> None:
    few = a_record(docs_pages.MEMBERS_IN_FULL)
    many = a_record(docs_pages.MEMBERS_IN_FULL + 1)
    page = pages(few).symbol_page(symbol(few, "R"))
    assert "# Comment 1.</span>" in page
    assert "More of 1." in page
    page = pages(many).symbol_page(symbol(many, "R"))
    assert "# Comment 1.</span>" in page
    assert "More of 1." not in page


def block_of(page: str, name: str = "docs-signature") -> str:
    """Return the text that the button beside a block copies."""
    [html] = re.findall(f'<code id="{name}">(.*?)</code></pre>', page, re.DOTALL)
    return unescape(re.sub("<[^>]*>", "", html))


RECORD = """
public type Base record {|
    # Where
    string place;
|};
# A person.
public type Person record {|
    *Base;
    # Of the person.
    #
    # - <b>bold</b>
    string name = "<i>";
    # Old.
    # # Deprecated
    # Use `name`.
    @deprecated
    int? 'order?;
    int...;
|};
public enum Mood {
    # Good.
    GLAD,
    SAD = "sad"
}
public class Shelf {
    # How many.
    public int size = 1;
    public function put(int n) {}
    public function take() returns int => 1;
}
"""


def test_a_record_is_one_block_of_source_with_the_comments_of_its_fields() -> None:
    module = documented(RECORD)
    page = pages(module).symbol_page(symbol(module, "Person"))
    assert block_of(page) == (
        "public type Person record {|\n"
        "    *Base;\n"
        "    # Of the person.\n"
        "    #\n"
        "    # - <b>bold</b>\n"
        '    string name = "<i>";\n'
        "    # Old.\n"
        "    # # Deprecated\n"
        "    # Use `name`.\n"
        "    @deprecated\n"
        "    int? 'order?;\n"
        "    int...;\n"
        "|};"
    )
    assert "<b>" not in page
    assert 'data-copy="docs-signature"' in page
    assert "<article" not in page


def test_the_block_of_a_record_is_read_as_the_record_again() -> None:
    module = documented(RECORD)
    again = documented(block_of(pages(module).symbol_page(symbol(module, "Person"))))
    [person] = again.records
    assert [each.name for each in person.fields] == ["", "name", "'order", ""]
    assert [each.is_deprecated for each in person.fields] == [False, False, True, False]


def test_each_field_has_an_anchor_and_a_page() -> None:
    module = documented(RECORD)
    page = pages(module).symbol_page(symbol(module, "Person"))
    for name in ("name", "place"):
        assert f'<span class="docs-field" id="{name}">' in page
        assert f'<li><a href="#{name}">' in page
    assert 'href="/packages/acme/shop/1.2.0/docs/shop/Person.name"' in page
    assert 'href="/packages/acme/shop/1.2.0/docs/shop/Base.place"' in page
    assert block_of(page, "docs-fields-1") == "    # Where\n    string place;\n"


def test_an_enum_and_the_fields_of_a_class_are_blocks_too() -> None:
    module = documented(RECORD)
    mood = pages(module).symbol_page(symbol(module, "Mood"))
    assert block_of(mood) == 'public enum Mood {\n    # Good.\n    GLAD,\n    SAD = "sad"\n}'
    shelf = pages(module).symbol_page(symbol(module, "Shelf"))
    assert block_of(shelf, "docs-fields-1") == "    # How many.\n    int size = 1;\n"
    assert shelf.count("<article") == 2


def test_a_page_with_methods_lists_what_is_on_it() -> None:
    module = documented(RECORD)
    page = pages(module).symbol_page(symbol(module, "Shelf"))
    [listed] = re.findall(r'<nav class="docs-methods".*?</nav>', page, re.DOTALL)
    assert "On this page" in listed
    assert re.findall('href="#([^"]*)"', listed) == ["members-1", "members-2", "put", "take"]
    assert "On this page" not in pages(module).symbol_page(symbol(module, "Person"))


def test_the_index_of_a_module_has_its_declarations_by_kind() -> None:
    index = pages(documented(RECORD)).module_index()
    found = re.findall(r"<h3>(.*?)</h3>|>([^<]*)</a>", index)
    assert ["".join(each) for each in found] == [
        "Classes",
        "Shelf",
        "Records",
        "Base",
        "Person",
        "Enums",
        "Mood",
    ]


def test_the_index_of_a_large_module_ends_with_how_many_are_left() -> None:
    count = docs_pages.MAX_INDEXED + 2
    source = "".join(f"public function f{number}() {{}}\n" for number in range(count))
    index = pages(documented(f"{source}public const LIMIT = 1;")).module_index()
    assert index.count("<li>") == docs_pages.MAX_INDEXED
    assert "Constants" not in index
    assert ">3 more declarations</a>" in index


FUNCTION = """
# Sends.
# + to - *Whom*
# + return - The answer
# # Deprecated
# Use `post`.
@deprecated
public function send(string to, int times = 1) returns string|error { }
# Waits.
public function wait() { }
"""


def test_a_function_shows_its_parameters_its_result_and_that_it_is_deprecated() -> None:
    module = documented(FUNCTION)
    page = pages(module).symbol_page(symbol(module, "send"))
    for text in ("<em>Whom</em>", "The answer", "Deprecated.", "default <code>1</code>"):
        assert text in page
    assert "Returns" not in pages(module).symbol_page(symbol(module, "wait"))


DEPRECATED = """
# Sends.
# + to - Whom
# # Deprecated
# Use `post`.
@deprecated
public function send(string to) { }

# Waits.
#
# ## Deprecated
# Use `send`.
#
# ## Example
# Of waiting.
@deprecated
public function wait() { }

# Ends.
# + return - Nothing
# # Deprecated
# Use `wait`.
@deprecated
public function end() returns error? { }

# Stops.
# # Example
# Of stopping.
@deprecated
public function stop() { }
"""


@pytest.mark.parametrize(
    ("name", "instead"), [("send", "post"), ("wait", "send"), ("end", "wait"), ("stop", "")]
)
def test_a_page_says_once_what_to_use_instead(name: str, instead: str) -> None:
    module = documented(DEPRECATED)
    shown = symbol(module, name)
    markdown = symbol_markdown(symbol_text(Calls.of(module), shown), "acme/shop 1.2.0")
    for text in (pages(module).symbol_page(shown), markdown):
        assert text.count("Deprecated") == 1
        assert text.count("Use ") == bool(instead)
        assert instead in text
    assert "Deprecated" not in shown.summary
    assert shown.deprecation == (f"Use `{instead}`." if instead else "")


def test_what_follows_a_deprecation_stays() -> None:
    module = documented(DEPRECATED)
    assert "Of waiting." in pages(module).symbol_page(symbol(module, "wait"))


def test_things_are_counted() -> None:
    assert (counted(1, "field"), counted(1_000, "field")) == ("1 field", "1,000 fields")
