"""Ballerina code in searches: which packages and symbols an import or a call means."""

import pytest

from shared.domain.search import (
    imported,
    method_of,
    packages_in,
    prefix_of,
    symbols_in_call,
    symbols_in_import,
)


@pytest.mark.parametrize(
    ("text", "found", "packages", "symbols"),
    [
        ("import acme/http;", ("acme", "http"), "acme/http", "org:acme http:"),
        (" import acme / 'order as o ;", ("acme", "order"), "acme/order", "org:acme order:"),
        ("import jsonutils", ("", "jsonutils"), "jsonutils", "jsonutils:"),
    ],
)
def test_an_import_means_its_module(
    text: str, found: tuple[str, str], packages: str, symbols: str
) -> None:
    assert imported(text) == found
    assert packages_in(text) == packages
    assert symbols_in_import(text) == symbols


@pytest.mark.parametrize("text", ["", "import", "important csv", "import acme/http today"])
def test_text_that_is_no_import_stays_as_it_is(text: str) -> None:
    assert (imported(text), packages_in(text), symbols_in_import(text)) == (None, text, text)


@pytest.mark.parametrize(
    ("word", "module"),
    [
        ("http:Client", "http"),
        ("jsonutils:toJson(", "jsonutils"),
        ("acme.'order:Client", "acme.order"),
        ("'order:createOrder", "order"),
        ("@http:ServiceConfig", "http"),
        ("'order:Client->/orders;", "order"),
        ("license:MIT", ""),
        ("localhost:8080", ""),
    ],
)
def test_a_prefix_before_a_name_is_a_module(word: str, module: str) -> None:
    assert prefix_of(word) == module


def test_a_call_means_the_symbol_without_arguments() -> None:
    assert symbols_in_call('http:Client->post("/a");') == "http:Client.post"
    assert symbols_in_call("'order:Client->/orders;").split() == ["order:Client.orders"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kafka:Consumer c = check new (url, config);", "kafka:Consumer c"),
        ("service websub:SubscriberService", "websub:SubscriberService"),
        ('final mysql:Client db = check new ("localhost");', "mysql:Client db"),
        ('"null pointer" http:Client org:acme -aws', '"null pointer" http:Client org:acme -aws'),
    ],
)
def test_a_statement_means_the_packages_of_its_prefixes(text: str, found: str) -> None:
    assert packages_in(text) == found


@pytest.mark.parametrize(
    ("word", "method"),
    [("json.cloneWithType(Person)", "cloneWithType"), ("example.com(2)", ""), ("data.csv", "")],
)
def test_a_method_is_called_of_any_variable(word: str, method: str) -> None:
    assert method_of(word) == method
