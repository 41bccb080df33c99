"""The document of a module: its keys, their order, and reading it back."""

import json
from typing import Any

import pytest
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

SHARED_KEYS = "name description descriptionSections isDeprecated isReadOnly"
CLASS_KEYS = f"fields methods otherMethods isIsolated isService {SHARED_KEYS}"
FUNCTION_KEYS = (
    "accessor resourcePath isIsolated isRemote isResource isExtern parameters returnParameters"
)


def document(source: str = EVERYTHING) -> dict[str, Any]:
    return json.loads(write_document(documented(source)))


def module(source: str = EVERYTHING) -> dict[str, Any]:
    return document(source)["docsData"]["modules"][0]


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("records", f"fields isClosed {SHARED_KEYS}"),
        ("classes", CLASS_KEYS),
        ("clients", f"remoteMethods resourceMethods {CLASS_KEYS}"),
        ("listeners", f"lifeCycleMethods {CLASS_KEYS}"),
        ("objectTypes", f"fields methods isDistinct {SHARED_KEYS}"),
        ("serviceTypes", f"fields methods isDistinct {SHARED_KEYS}"),
        ("functions", f"{FUNCTION_KEYS} annotationAttachments {SHARED_KEYS}"),
        ("enums", f"members {SHARED_KEYS}"),
        ("errors", f"detailType isDistinct {SHARED_KEYS}"),
        ("constants", f"type value {SHARED_KEYS}"),
        ("annotations", f"type attachmentPoints {SHARED_KEYS}"),
        ("tableTypes", f"rowParameterType keyConstraint {SHARED_KEYS}"),
        ("mapTypes", f"mapParameterType {SHARED_KEYS}"),
        ("variables", "defaultValue type name description isDeprecated isReadOnly"),
        ("configurables", "defaultValue type name description isDeprecated isReadOnly"),
    ],
)
def test_the_keys_of_a_kind_come_before_the_shared_ones_and_ours(kind: str, keys: str) -> None:
    found = module()[kind][0]
    found.pop("initMethod", None)
    ours = "documentation position inclusions isService definition isPublic isConfigurable"
    if kind == "serviceTypes":
        assert found.pop("isService") is True
    central = [key for key in found if key in keys.split()]
    assert central == keys.split()
    assert list(found)[: len(central)] == central
    assert set(found) - set(central) <= set(ours.split())


def test_an_alias_has_the_keys_of_a_type() -> None:
    found = module()["unionTypes"][0]
    assert " ".join(found) == (
        "name description descriptionSections isAnonymousUnionType isInclusion isArrayType "
        "isNullable isOptional isTuple isIntersectionType isParenthesisedType isTypeDesc "
        "isRestParam isDeprecated isPublic generateUserDefinedTypeLink memberTypes "
        "arrayDimensions position"
    )


def test_a_private_object_has_its_functions_after_its_members() -> None:
    found = module()["functions"][0]["parameters"][0]["type"]
    keys = list(found)
    assert keys.index("functionTypes") == keys.index("memberTypes") + 1
    assert " ".join(found["functionTypes"][0]) == (
        "accessor resourcePath isIsolated functionKind paramTypes returnType name description "
        "category"
    )


def test_search_data_names_every_declaration() -> None:
    search = document()["searchData"]
    assert " ".join(search) == (
        "modules classes functions records constants errors types clients listeners annotations "
        "objectTypes enums"
    )
    place = {"orgName": "acme", "version": "1.2.0", "isDefaultModule": True}
    assert search["modules"] == [{"id": "shop", "description": "", **place}]
    assert [each["id"] for each in search["functions"]] == ["hidden", "send"]
    place = {"moduleId": "shop", "moduleOrgName": "acme", "moduleVersion": "1.2.0"}
    assert search["clients"][0] == {"id": "Cl", "description": "", **place}
    assert [each["id"] for each in search["objectTypes"]] == ["Named", "Svc"]
    assert {"Uni", "Map", "Tab", "Dis"} <= {each["id"] for each in search["types"]}


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


def test_a_whole_document_looks_as_before(snapshot: SnapshotAssertion) -> None:
    docs = documented("""
# Sends.
#
# + to - Who,
#        or what
# + return - nil
public isolated function send(string to, int n = 3, *Opts o) returns error? { }
""")
    assert json.dumps(json.loads(write_document(docs)), indent=1) == snapshot


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
