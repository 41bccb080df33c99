"""Calls of functions and methods, as pages of documentation show them."""

import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from shared.ballerina.lexer import ParseError
from shared.domain.api_docs.calls import Calls, is_error
from shared.domain.api_docs.model import (
    ClientDocs,
    FunctionDocs,
    ModuleDocs,
    ReturnDocs,
    Type,
    VariableDocs,
)
from shared.domain.api_docs.outline import DocsSymbol, declared
from shared.domain.api_docs.signatures import signature_text
from tests.paths import BALAS, RECORDED
from tests.support.call_statements import read_call
from tests.support.documented import documented, module_of, package_docs

SHOP = documented(
    """
    public client class Client {
        public function init(string url, int timeout = 3) returns error? {}
        remote function buy(string item) returns string|error {}
        remote function close() returns error? {}
        resource function get items/[string id]/parts/[int... path]() {}
        resource function get .() returns string {}
        resource function get [string]/["v1"]/[int...]() {}
        public function plain() {}
    }
    public class Xml { }
    public class Hidden { function init() {} }
    public type Service service object { remote function onMessage(); };
    public service class Endpoint { remote function onMessage() {} public function open() {} }
    public function start() {}
    public function open(string name) returns error? {}
    public function stop() returns never {}
    public type Item record {| string name; |};
    public const LIMIT = 3;
    """
)


def symbols(module: ModuleDocs) -> Iterator[DocsSymbol]:
    for _, each in declared(module):
        yield each
        yield from each.members()


def call(path: str, module: ModuleDocs = SHOP) -> str:
    [symbol] = [each for each in symbols(module) if each.path == path]
    return Calls.of(module).source(symbol)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Client", "shop:Client shopClient = check new (url);"),
        ("Xml", "shop:Xml shopXml = new ();"),
        ("Client.init", ""),
        ("Client.buy", "var result = check shopClient->buy(item);"),
        ("Client.plain", "shopClient.plain();"),
        ("start", "shop:start();"),
        ("stop", "shop:stop();"),
        ("Item", ""),
        ("LIMIT", ""),
    ],
)
def test_a_call_has_a_name_in_place_of_each_value(path: str, expected: str) -> None:
    assert call(path) == expected


def test_a_call_without_a_value_is_assigned_to_no_variable() -> None:
    assert call("Client.close") == "check shopClient->close();"
    assert call("open") == "check shop:open(name);"


def test_what_only_its_module_or_a_listener_calls_has_no_call() -> None:
    assert call("Hidden") == ""
    assert call("Service.onMessage") == ""
    assert call("Endpoint.onMessage") == ""
    assert call("Endpoint.open") == "endpoint.open();"


def test_the_prefix_of_a_call_has_a_quote_if_it_is_a_reserved_word() -> None:
    module = documented(
        """
        public client class Client { public function init() {} public function plain() {} }
        public type Problem error;
        public function open(typedesc<Item> t = <>) returns t|Problem = external;
        public type Item record {| int n; |};
        """,
        "data.table",
    )
    assert call("Client", module) == "'table:Client tableClient = new ();"
    assert call("Client.plain", module) == "tableClient.plain();"
    assert call("open", module).startswith("'table:Item result = check 'table:open();")


def test_a_call_of_a_resource_has_its_path() -> None:
    assert (
        call("Client.get items/[string id]/parts/[int... path]")
        == "shopClient->/items/[id]/parts/[...path].get();"
    )
    assert call("Client.get .") == "var result = shopClient->/.get();"
    unnamed = call('Client.get [string]/["v1"]/[int...]')
    assert unnamed == 'shopClient->/[segment]/["v1"]/[...segment].get();'


def test_the_line_of_a_list_has_the_path_and_whether_there_are_arguments() -> None:
    calls = Calls.of(SHOP)
    lines = [calls.line(each) for each in symbols(SHOP)]
    assert "shopClient->/items/[id]/parts/path.get()" in lines
    assert "shopClient->buy(…)" in lines
    assert "new (…)" in lines
    assert "shop:start()" in lines
    assert lines[0] == ""


def test_variables_have_names_of_their_own() -> None:
    module = documented(
        """
        public class Message { public function send(Message message, int result) returns int {} }
        public class 'Order { public function 'map() {} }
        """
    )
    assert call("Message.send", module) == "var result2 = shopMessage.send(message, result);"
    assert call("'Order", module) == "shop:'Order shopOrder = new ();"


# --- Parameters whose fields are given by name -----------------------------------------------


def test_required_fields_of_an_included_record_are_given_by_their_names() -> None:
    module = documented(
        """
        public type Common record {| string host; int port = 1; |};
        public type Config record {| *Common; string user; string? note = (); int n?; |};
        public type Renamed Config;
        public client class Client {
            public function init(string url, *Renamed config) {}
        }
        """
    )
    assert call("Client", module) == "shop:Client shopClient = new (url, user = user, host = host);"


# --- Errors ----------------------------------------------------------------------------------

ERRORS = """
    import ballerina/http;
    import ballerina/data.csv;
    public type Problem distinct error;
    public type Renamed http:ClientError;
    public type Result string|Renamed;
    public type Loop Loop|Loop2;
    public type Loop2 Loop|int;
    type Private distinct error;
    public type Item record {| int n; |};
    public function f() returns $;
"""


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("error", "check shop:f();"),
        ("Problem?", "check shop:f();"),
        ("int|error", "var result = check shop:f();"),
        ("http:Response|http:ClientError", "var result = check shop:f();"),
        ("http:ClientError?", "check shop:f();"),
        ("csv:Error?", "check shop:f();"),
        ("Result", "var result = check shop:f();"),
        ("Renamed?", "check shop:f();"),
        ("int|Private", "var result = check shop:f();"),
        ("int|(string|(Problem & readonly))", "var result = check shop:f();"),
        ("Item|(error)?", "var result = check shop:f();"),
        ("stream<Item, error?>", "var result = shop:f();"),
        ("stream<Item, http:ClientError?>", "var result = shop:f();"),
        ("[int, error]", "var result = shop:f();"),
        ("error[]", "var result = shop:f();"),
        ("map<error>", "var result = shop:f();"),
        ("function () returns error?", "var result = shop:f();"),
        ("http:Response", "var result = shop:f();"),
        ("http:ErrorPayload", "var result = shop:f();"),
        ("Item?", "var result = shop:f();"),
        ("Loop", "var result = shop:f();"),
        ("()", "shop:f();"),
    ],
)
def test_a_check_stands_exactly_where_an_error_is_among_the_results(
    returned: str, expected: str
) -> None:
    assert call("f", documented(ERRORS.replace("$", returned))) == expected


def test_errors_of_other_modules_of_the_package_are_checked() -> None:
    made = package_docs(
        module_of("import acme/shop.low; public function f() returns int|low:Error {}"),
        module_of("public type Error distinct error;", "shop.low"),
    )
    assert call("f", made.modules[0]) == "var result = check shop:f();"


# --- Dependently typed results ---------------------------------------------------------------

# As the libraries of the platform have them.
DEPENDENT = """
    import ballerina/http;
    public type Error distinct error;
    public type TargetType typedesc<http:Response|anydata|stream<Event, error?>>;
    public type Event record {| string data; |};
    public type Payload Event[]|string;
    type Private record {| int n; |};
    public function f($) returns $$ = external;
"""


@pytest.mark.parametrize(
    ("parameters", "returned", "expected"),
    [
        ("string path, TargetType t = <>", "t|Error", "record {} result = check shop:f(path);"),
        ("typedesc<anydata> t = <>", "t|http:ClientError", "record {} result = check shop:f();"),
        ("typedesc<record {}> t = <>", "t?|Error", "record {}? result = check shop:f();"),
        ("typedesc<record {}> t = <>", "t[]|Error?", "record {}[]? result = check shop:f();"),
        ("typedesc<record {| anydata...; |}> t = <>", "t", "record {} result = shop:f();"),
        ("typedesc<map<anydata>> t = <>", "t", "record {} result = shop:f();"),
        ("typedesc<map<json>> t = <>", "t", "map<json> result = shop:f();"),
        ("typedesc<Event[]> t = <>", "t|Error", "shop:Event[] result = check shop:f();"),
        ("typedesc<Payload> t = <>", "t|Error", "shop:Event[] result = check shop:f();"),
        ("typedesc<json> t = <>", "t|Error", "json result = check shop:f();"),
        ("typedesc<Private> t = <>", "t", "record { int n; } result = shop:f();"),
        ("typedesc<http:Response> t = <>", "t|error", "http:Response result = check shop:f();"),
        ("http:TargetType t = <>", "t|error", "record {} result = check shop:f();"),
        ("typedesc t = <>", "t|error", "record {} result = check shop:f();"),
        ("typedesc<int|string> t = int", "t", "int|string result = shop:f();"),
        ("typedesc<int|string> t = int", "t[]", "(int|string)[] result = shop:f();"),
        ("typedesc<int> t", "t|Error", "int result = check shop:f(t);"),
        (
            "typedesc<record {}> rowType = <>",
            "stream<rowType, Error?>",
            "stream<record {}, shop:Error?> result = shop:f();",
        ),
        (
            "typedesc<int> t = <>, typedesc<string> u = <>",
            "[t, u]|Error",
            "[int, string] result = check shop:f();",
        ),
        ("typedesc<error> t = <>", "t|Error", "record {} result = check shop:f();"),
    ],
)
def test_a_dependently_typed_result_has_a_declared_type(
    parameters: str, returned: str, expected: str
) -> None:
    source = DEPENDENT.replace("$$", returned).replace("$", parameters, 1)
    statement = call("f", documented(source)).split("\n")[-1]

    assert statement.partition(" //")[0] == expected
    assert read_call(statement).type not in ("", "var")


def test_the_default_of_the_type_is_a_comment() -> None:
    source = "public function f({}) returns t|error = external;"
    inferred = documented(source.format("typedesc<json> t = <>"))
    assert call("f", inferred).endswith("(); // t = <>, inferred from the variable")
    other = documented(source.format("typedesc<json> t =\n    string"))
    assert call("f", other).endswith("(); // t = string")
    assert call("f", documented(source.format("typedesc<json> t"))).endswith("(t);")


def test_other_modules_in_the_type_are_imported_in_a_comment() -> None:
    source = DEPENDENT.replace("$$", "stream<t, http:ClientError?>")
    module = documented(source.replace("$", "typedesc<record {}> t = <>", 1))
    first, second = call("f", module).split("\n")
    assert first == "// import ballerina/http;"
    assert second.startswith("stream<record {}, http:ClientError?> result = shop:f();")


def test_a_stream_of_a_document_of_central_has_any_error() -> None:
    lost = Type(org_name="UNK_ORG", module_name="UNK_MOD", category="reference")
    members = (
        lost.model_copy(update={"name": "rowType"}),
        lost.model_copy(update={"name": "Error", "is_nullable": True}),
    )
    described = Type(is_type_desc=True, element_type=Type(category="inline_record"))
    method = FunctionDocs(
        name="query",
        is_remote=True,
        parameters=(VariableDocs(name="rowType", type=described, default_value="<>"),),
        return_parameters=(
            ReturnDocs(type=Type(name="stream", category="stream", member_types=members)),
        ),
    )
    client = ClientDocs(name="Client", methods=(method,))
    module = ModuleDocs(id="mysql", org_name="acme", version="1.0.0", clients=(client,))
    assert call("Client.query", module).startswith(
        "stream<record {}, error?> result = mysqlClient->query();"
    )


def test_names_of_errors_end_so() -> None:
    assert is_error(Type(name="ClientError", module_name="http", category="libs"))
    assert not is_error(Type(name="ErrorPayload", module_name="http", category="libs"))
    assert not is_error(Type(name="Error", category="records"))


# --- All of it, by the grammar ---------------------------------------------------------------


def test_every_call_is_a_statement_of_the_language() -> None:
    checked = list[bool]()
    for module in (SHOP, documented(ERRORS.replace("$", "int|error"))):
        for symbol in symbols(module):
            text = Calls.of(module).source(symbol)
            docs = symbol.docs
            if not text:
                continue
            statement = read_call(text)
            if isinstance(docs, FunctionDocs):
                assert statement.is_checked == bool(re.search("error", signature_text(docs)))
                checked.append(statement.is_checked)
    assert {*checked} == {True, False}


def test_every_call_of_real_archives_is_a_statement_of_the_language() -> None:
    count = 0
    for archive in sorted(BALAS.glob("**/*.bala")):
        for module in _modules(archive):
            for symbol in symbols(module):
                if text := Calls.of(module).source(symbol):
                    assert read_call(text)
                    count += 1
    # The repository has a sample of the archives; all of them may lie beside it.
    assert count > (10 if BALAS.is_relative_to(RECORDED) else 40)


def _modules(archive: Path) -> Iterator[ModuleDocs]:
    """Yield the documentation of the modules of an archive, each by itself."""
    with ZipFile(archive) as opened:
        for name in opened.namelist():
            if name.endswith(".bal") and "/tests/" not in name:
                yield documented(opened.read(name).decode())


@pytest.mark.parametrize(
    "text",
    [
        "var result = check c->get(path)",
        "var result = check c->get(path;",
        "result = c.get();",
        "int result = c - >get();",
        "c->/a//b.get();",
        "c.get(); c.get();",
        "record { result = c.get();",
    ],
)
def test_the_reader_of_calls_refuses_what_is_no_statement(text: str) -> None:
    with pytest.raises(ParseError, match="expected"):
        read_call(text)
