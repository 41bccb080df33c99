"""Records with the fields that they include from records of other packages."""

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.documents import read_document, write_document
from shared.domain.api_docs.model import ModuleDocs, RecordDocs
from shared.domain.api_docs.other_packages import ModuleKey, OtherRecords
from shared.domain.api_docs.outline import all_fields
from tests.support.documented import documented, documented_release, shown

HTTP = """
import acme/auth;
public type ClientConfig record {|
    *Common;
    *auth:Credentials;
    # Where to.
    Kind kind = {};
    (map<Kind>|Kind[])? kinds?;
    string...;
|};
# + timeout - In seconds
public type Common record {| decimal timeout = 30; string[] hosts; |};
public type Kind record {| |};
public type Config ClientConfig;
public type Looping Looping2;
public type Looping2 Looping;
public type Number int;
"""
AUTH = "public type Credentials record {| string token; |};"
OURS = """
import ballerina/http;
public type Settings record {| *http:ClientConfig; int retries = 3; string[] hosts = []; |};
public type Wider record {| *Settings; |};
public type Plain record {| *Base; |};
public type Base record {| int id; |};
"""


def http(source: str = HTTP) -> ModuleDocs:
    return documented_release("ballerina/http:2.12.1", source)


def completed(
    source: str = OURS, **others: ModuleDocs
) -> tuple[dict[str, RecordDocs], OtherRecords]:
    """Return the records of `acme/shop`, and what was asked; others are `ballerina/http`
    and `acme/auth`."""
    shop = documented(source)
    orgs = {"http": "ballerina", "auth": "acme"}
    known: dict[ModuleKey, ModuleDocs] = {(orgs[name], name): each for name, each in others.items()}
    known["acme", "shop"] = shop
    records = OtherRecords({("acme", "shop")}, known.get)
    module = read_document(write_document(records.complete(shop)))
    return {each.name: each for each in module.records}, records


def fields(record: RecordDocs) -> dict[str, str]:
    """Return the types that declare the fields of a record."""
    return {
        each.name: each.inclusion_type.name or "" if each.inclusion_type else ""
        for each in all_fields(record)
    }


AUTH_DOCS = documented_release("acme/auth:0.3.0", AUTH)


def test_a_record_has_the_fields_of_a_record_of_another_package(
    snapshot: SnapshotAssertion,
) -> None:
    records, found = completed(http=http(), auth=AUTH_DOCS)
    assert fields(records["Settings"]) == {
        "retries": "",
        "hosts": "",
        "kind": "ClientConfig",
        "kinds": "ClientConfig",
        "timeout": "Common",
        "token": "Credentials",
    }
    assert found.took == {("ballerina", "http"), ("acme", "auth")}
    assert (found.awaited, found.completed) == (set(), {"Settings", "Wider"})
    # Of another record of the own package, too.
    wider = fields(records["Wider"])
    assert wider | {"timeout": "Common", "kind": "ClientConfig", "retries": "Settings"} == wider
    # With defaults, comments and types of their module; the entry of the inclusion stays one.
    assert [shown(each) for each in records["Settings"].fields] == snapshot


def test_a_module_that_is_not_known_is_awaited() -> None:
    records, found = completed(auth=AUTH_DOCS)
    assert fields(records["Settings"]) == {"retries": "", "hosts": ""}
    assert (found.took, found.awaited) == (set(), {("ballerina", "http")})
    assert found.incomplete == {"Settings", "Wider"}


def test_a_module_that_an_included_record_needs_is_awaited() -> None:
    records, found = completed(http=http())
    assert "token" not in fields(records["Settings"])
    assert found.awaited == {("acme", "auth")}


def test_modules_without_such_records_stay_as_they_are() -> None:
    shop = documented("public type A record {| *B; |}; public type B record {| int b; |};")
    records = OtherRecords({("acme", "shop")}, {("acme", "shop"): shop}.get)
    assert records.complete(shop) is shop


@pytest.mark.parametrize(
    ("name", "count"), [("Config", 5), ("Looping", 0), ("Number", 0), ("Unknown", 0)]
)
def test_an_alias_of_a_record_is_included_as_the_record(name: str, count: int) -> None:
    source = f"import ballerina/http; public type R record {{| *http:{name}; |}};"
    records, found = completed(source, http=http(), auth=AUTH_DOCS)
    assert len(fields(records["R"])) == count
    assert "Config" not in fields(records["R"]).values()
    assert found.awaited == set()


def test_records_of_others_that_include_each_other_end() -> None:
    source = "public type A record {| *B; int a; |}; public type B record {| *A; int b; |};"
    records, _ = completed(
        "import ballerina/http; public type R record {| *http:A; |};", http=http(source)
    )
    assert fields(records["R"]) == {"a": "A", "b": "B"}


def test_methods_of_types_that_are_expanded_name_their_module() -> None:
    source = """
        public type A record {| Hidden hidden; |};
        public type Kind record {| |};
        type Hidden object {
            public function get(Kind kind) returns Kind;
            public function close();
        };
    """
    records, _ = completed(
        "import ballerina/http; public type R record {| *http:A; |};", http=http(source)
    )
    (hidden,) = all_fields(records["R"])
    assert hidden.type
    returned = {each.name: each.return_type for each in hidden.type.function_types or ()}
    assert returned["get"]
    assert (returned["get"].category, returned["close"]) == ("libs", None)
