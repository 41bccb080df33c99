"""Ballerina code in searches: which packages and symbols an import or a call means."""

import pytest

from shared.domain.search_code import (
    imported,
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
    assert imported(text) is None
    assert packages_in(text) == text
    assert symbols_in_import(text) == text


@pytest.mark.parametrize(
    ("word", "module"),
    [
        ("http:Client", "http"),
        ("jsonutils:toJson(", "jsonutils"),
        ("acme.'order:Client", "acme.order"),
        ("'order:createOrder", "order"),
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
