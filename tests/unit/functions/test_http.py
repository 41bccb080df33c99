"""What every face reads from a request."""

import azure.functions as func
import pytest

from functions._http import caller_address


def request(headers: dict[str, str]) -> func.HttpRequest:
    return func.HttpRequest("GET", "http://registry.test/", headers=headers, body=b"")


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:50123", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7:50123", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:50123", "[2001:db8::7]"),
    ],
)
def test_the_caller_is_the_nearest_address_without_its_port(forwarded: str, address: str) -> None:
    assert caller_address(request({"x-forwarded-for": forwarded})) == address


def test_a_request_that_came_through_nobody_has_no_address() -> None:
    assert caller_address(request({})) == ""
