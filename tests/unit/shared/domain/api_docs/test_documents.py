"""The document of a module: its keys, their order, and reading it back."""

import json
from typing import Any

from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.documents import (
    facts_text,
    item_texts,
    list_texts,
    read_document,
    write_document,
)
from shared.domain.api_docs.model import ModuleDocs
from tests.support.documented import documented

EVERYTHING = """
import ballerina/http;

# A record.
#
# + name - who
public type Person record {|
    *Base;
    string name?;
    int...;
|};
public type Base record {| int id; |};
public type Named object { public string name; public function f(); };
public type Svc service object { };
public class C { *Named; public function f() { } public function init() { } }
public client class Cl { remote function r(*Base b) { } resource function get a() { } }
public class L {
    public function attach() { } public function detach() { } public function 'start() { }
    public function gracefulStop() { } public function immediateStop() { }
}
# Sends.
#
# + to - Who,
#        or what
# + return - nil
public isolated function send(string to, int n = 3, *Base b) returns error? { }
public const ONE = "1";
public annotation Person Ann on service, type;
public type Err distinct error<map<http:Detail>>;
public type Dis distinct Named;
public type Uni int|string;
public type Ref Person;
public type Tup [int, string...];
public type Tab table<Person> key(name);
public type Map map<int>;
public type Int readonly & string;
public type Td typedesc<int>;
public type Fun function (int a) returns string;
public type Str stream<int>;
public type Arr int[5];
public type Ad anydata;
public type An any;
public type St string;
public type In int;
public type De decimal;
public type Xm xml<xml:Element>;
public type Bo boolean;
public enum Size { SMALL, LARGE = "l" }
public int variable = 1;
configurable int configured = 2;
type Hidden object { public int a; public function f(int b) returns int; };
public function hidden(Hidden h) { }
"""


def document(source: str = EVERYTHING) -> dict[str, Any]:
    return json.loads(write_document(documented(source)))


def module(source: str = EVERYTHING) -> dict[str, Any]:
    return document(source)["docsData"]["modules"][0]


def test_the_keys_of_each_kind_are_those_of_central_and_then_ours(
    snapshot: SnapshotAssertion,
) -> None:
    keys = {
        name: " ".join(listed[0])
        for name, listed in module().items()
        if isinstance(listed, list) and listed
    }
    private = module()["functions"][0]["parameters"][0]["type"]
    method = private["functionTypes"][0]
    assert keys | {"private object": " ".join(private), "its method": " ".join(method)} == snapshot


def test_search_data_names_every_declaration(snapshot: SnapshotAssertion) -> None:
    search = document()["searchData"]
    names = {name: " ".join(each["id"] for each in listed) for name, listed in search.items()}
    assert [names, search["modules"], search["clients"]] == snapshot


def test_a_document_is_read_as_it_was_written() -> None:
    docs = documented(EVERYTHING)
    assert read_document(write_document(docs)) == docs


def test_central_documents_without_lists_and_with_unknown_keys_are_read() -> None:
    content = b"""{"docsData": {"modules": [{"id": "m", "orgName": "o", "version": "1.0.0",
        "functions": [{"name": "f", "unknown": {"a": 1}}]}]}}"""
    docs = read_document(content)
    assert isinstance(docs, ModuleDocs)
    assert docs.functions[0].name == "f"


def test_the_deepest_document_is_written_and_read() -> None:
    text = "int"
    for _ in range(60):
        text = f"record {{| {text} a; |}}"
    methods = f"resource function get a(function ({text} a) p) returns {text} {{ }}"
    docs = documented(f"type P record {{| {text} b; |}};\npublic client class C {{ {methods} }}")
    assert read_document(write_document(docs)) == docs


def test_a_document_of_objects_in_objects_is_written_and_read() -> None:
    chain = "".join(f"type O{i} object {{ public function f(O{i + 1} a); }};" for i in range(99))
    docs = documented(f"{chain} type O99 object {{ }};\npublic function f(O0[] o) {{ }}")
    assert read_document(write_document(docs)) == docs


def test_each_list_of_a_module_and_each_item_is_as_in_its_document() -> None:
    lists = {key: json.loads(text) for key, text in list_texts(documented(EVERYTHING))}
    expected = {key: value for key, value in module().items() if isinstance(value, list)}
    assert lists == expected
    assert lists["functions"]
    texts = {name: json.loads(text) for name, text in item_texts(documented(EVERYTHING).clients)}
    assert texts == {each["name"]: each for each in module()["clients"]}


def test_the_rest_of_a_module_is_as_in_its_document() -> None:
    facts = json.loads(facts_text(documented(EVERYTHING)))
    whole = module()
    assert {key: whole.get(key) for key in facts} == facts
    lists = {key for key, value in whole.items() if isinstance(value, list)}
    assert facts.keys() | lists == whole.keys()
