"""The symbols by which a module is found."""

import pytest

from shared.domain.api_docs.symbol_lists import MAX_SYMBOLS, symbols_of
from shared.domain.api_docs.symbols import Symbol
from tests.support.documented import documented

SOURCE = """
# Sends requests. More of it.
public isolated client class Client {
    # Where it sends to.
    public final string url = "";

    public function init(string url) {}

    # Gets a user.
    #
    # + id - Of the user
    # + return - The user
    resource isolated function get users/[int id]() returns User|error => error("");
}

# A user.
public type User record {|
    int id;
|};

public enum Color { RED, GREEN = "g" }

configurable int port = 80;

@deprecated
public const LIMIT = 1;

function hidden() {}
"""


def symbols() -> dict[str, Symbol]:
    return {
        ".".join(filter(None, (each.parent, each.name))): each
        for each in symbols_of([documented(SOURCE)])
    }


def test_declarations_and_their_members_are_symbols_but_fields_of_records_are_not() -> None:
    assert {name: each.kind for name, each in symbols().items()} == {
        "Client": "client",
        "Client.url": "field",
        "Client.init": "method",
        "Client.get users/[int id]": "method",
        "User": "record",
        "Color": "enum",
        "Color.RED": "enum member",
        "Color.GREEN": "enum member",
        "LIMIT": "constant",
    }


def test_a_symbol_has_its_signature_and_one_line_of_its_comment() -> None:
    found = symbols()["Client.get users/[int id]"]

    assert found.description == "Gets a user."
    assert found.signature == ("resource isolated function get users/[int id]() returns User|error")
    assert found.module == "shop"


def test_flags_say_what_editors_show() -> None:
    found = symbols()

    assert found["Client"].flags == ("is_isolated",)
    assert found["Client.get users/[int id]"].flags == ("is_isolated", "is_resource")
    assert found["User"].flags == ("is_closed",)
    assert found["LIMIT"].flags == ("is_deprecated",)


@pytest.mark.slow
def test_a_release_has_a_bounded_number_of_symbols() -> None:
    source = "".join(f"public const C{number} = 1;" for number in range(MAX_SYMBOLS + 5))

    assert len(symbols_of([documented(source)])) == MAX_SYMBOLS
