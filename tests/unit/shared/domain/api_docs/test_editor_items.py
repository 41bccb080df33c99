"""Connectors and triggers of a module."""

import json
import time

from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.editor_items import (
    api_summary,
    connector_parts,
    modules_used_by,
    path_parameters,
    trigger_parts,
)
from shared.domain.api_docs.item_summaries import connector_id, trigger_id
from tests.support.documented import documented

SOURCE = """
import ballerina/http;

public client class Client {
    remote function get(http:Request request, map<http:Response> more) returns http:Error? {}
}
public class Listener {
    public function 'start() returns error? {}
    public function attach(Service s) returns error? {}
    public function detach(Service s) returns error? {}
    public function gracefulStop() returns error? {}
    public function immediateStop() returns error? {}
}
public type Service service object {
    remote function onEvent(http:Request request);
    resource function get events();
};
"""
MODULE = documented(SOURCE)
HTTP = ("ballerina", "http", "2.12.1")


def test_numbers_are_below_two_to_the_31_and_the_same_in_any_case() -> None:
    assert 0 <= connector_id("acme", "shop", "Client") < 2**31
    assert connector_id("acme", "shop", "Client") == connector_id("Acme", "Shop", "client")
    assert connector_id("acme", "shop", "Client") != connector_id("acme", "shop", "Other")
    assert trigger_id("acme", "shop") != trigger_id("acme", "shop.sub")


def test_a_module_without_service_types_is_no_trigger() -> None:
    assert api_summary(documented("public type Service service object {};")).triggers == ()
    assert len(api_summary(MODULE).triggers) == 1


def test_modules_of_other_packages_are_those_that_the_methods_use() -> None:
    assert modules_used_by(MODULE, "Client") == {HTTP}
    assert modules_used_by(MODULE, "") == {HTTP}


def test_clients_and_listeners_without_init_take_nothing(snapshot: SnapshotAssertion) -> None:
    parts = connector_parts(MODULE, "client", {}), trigger_parts(MODULE, {})
    assert list(map(json.dumps, parts)) == snapshot
    assert connector_parts(MODULE, "Nothing", {}) == {"functions": []}


def test_segments_of_a_path_are_words_or_parameters(snapshot: SnapshotAssertion) -> None:
    paths = (".", "users/[string id]/'from/[int ...rest]", "[int...]", "[Id]")
    assert {path: json.dumps(path_parameters(path)) for path in paths} == snapshot


def test_a_long_path_is_read_in_time() -> None:
    began = time.thread_time()
    path_parameters("[" + "a" * 100_000 + " " * 100_000 + "!]")
    assert time.thread_time() - began < 0.5


def test_a_connector_is_listed_with_its_label_and_icon() -> None:
    display = '@display {label: "Mail", iconPath: "docs/icon.png"}'
    [listed] = api_summary(documented(f"{display} public client class Client {{ }}")).connectors
    assert (listed.label, listed.icon) == ("Mail", "docs/icon.png")
