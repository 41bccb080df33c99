"""A request tells a Function what the worker's own class would tell it."""

from contextlib import closing

import pytest
from azure.functions.http import HttpRequest as WorkerRequest

from shared.hosting.requests import (
    LazyRequest,
    MalformedPath,
    RequestHeaders,
    decode_path,
    encode_url,
    query_parameters,
)
from tests.unit.shared.hosting.asgi import scope

FORM = "multipart/form-data; boundary=x"
FORM_BODY = (
    b'--x\r\nContent-Disposition: form-data; name="org"\r\n\r\nacme\r\n'
    b'--x\r\nContent-Disposition: form-data; name="bala"; filename="a.bala"\r\n\r\nPK\r\n--x--\r\n'
)


def request(target: str = "/", body: bytes = b"", **headers: str) -> LazyRequest:
    return LazyRequest(scope("POST", target, headers), {"org": "acme"}, body)


def test_headers_are_found_without_case_and_joined_by_commas() -> None:
    headers = RequestHeaders.of(
        {"headers": [(b"accept", b"a"), (b"x-one", b"1"), (b"accept", b"b")]}
    )
    assert headers["Accept"] == headers.get("ACCEPT") == "a,b"
    assert "X-One" in headers
    assert 1 not in headers
    assert headers.get("absent", "default") == "default"
    assert dict(headers) == {"accept": "a,b", "x-one": "1"}
    assert len(headers) == 2


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("q=a+b%20c", {"q": "a b c"}),
        ("q=1&Q=2&q=3", {"Q": "1,2,3"}),
        ("q=&r&s=1", {"s": "1"}),
        ("q=&q=1", {"q": "1"}),
        ("%66=%e2%82&%zz=%u00e9", {"f": "%e2%82", "%zz": "%u00e9"}),
        ("q=a=b&%C3%A9=%FF", {"q": "a=b", "é": "%FF"}),
    ],
)
def test_a_query_is_read_as_the_real_host_hands_it_over(query: str, values: dict[str, str]) -> None:
    assert query_parameters(query) == values


def test_the_address_is_complete_and_has_its_trailing_slash() -> None:
    assert request("/a%41%20b/?q=%20").url == "http://registry.test/aA%20b/?q=%20"
    assert request("/a").url == "http://registry.test/a"
    assert request("/a?q=1#b").url == "http://registry.test/a?q=1%23b"


def test_every_part_is_what_the_class_of_the_worker_says() -> None:
    lazy = request("/a?x=1", FORM_BODY, **{"Content-Type": FORM})
    whole = WorkerRequest(
        "POST",
        lazy.url,
        headers=lazy.headers,
        params={"x": "1"},
        route_params={"org": "acme"},
        body_type="bytes",
        body=FORM_BODY,
    )
    assert lazy.method == whole.method
    assert dict(lazy.headers) == dict(whole.headers)
    assert lazy.params == lazy.params == whole.params
    assert lazy.route_params == whole.route_params
    assert lazy.get_body() == whole.get_body()
    assert dict(lazy.form) == {"org": "acme"}
    with closing(lazy.files["bala"]) as bala:
        assert bala.read() == b"PK"


def test_json_is_read_or_refused_like_there() -> None:
    assert request(body=b'{"a": 1}').get_json() == {"a": 1}
    with pytest.raises(ValueError, match="does not contain valid JSON"):
        request(body=b"").get_json()


def test_parameters_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        request().route_params["org"] = "other"  # type: ignore[index]


def test_the_client_s_address_is_added_behind_what_it_claims() -> None:
    claimed = {"X-Forwarded-For": "198.51.100.1"}
    request = LazyRequest(scope("GET", "/", claimed, client="203.0.113.7"), {}, b"")
    assert request.headers["x-forwarded-for"] == "198.51.100.1,203.0.113.7"


def test_no_peer_is_believed_by_the_host_not_even_one_of_this_machine() -> None:
    claimed = {"X-Forwarded-For": "198.51.100.1"}
    request = LazyRequest(scope("GET", "/", claimed, client="127.0.0.1"), {}, b"")
    assert request.headers["x-forwarded-for"] == "198.51.100.1,127.0.0.1"


def test_a_claim_is_not_the_last_where_the_peer_has_no_address() -> None:
    claimed = {"X-Forwarded-For": "198.51.100.1"}
    nameless = {**scope("GET", "/", claimed), "client": None}
    assert LazyRequest(nameless, {}, b"").headers["x-forwarded-for"] == "198.51.100.1,"


DECODED = [
    (b"/a/b", "/a/b"),
    (b"/a%20b", "/a b"),
    (b"/a%2Fb", "/a%2Fb"),
    (b"/a%2fb%2Ec", "/a%2fb.c"),
    (b"/%C3%A9", "/é"),
    (b"/%FF%41", "/%FFA"),
    (b"/%ff%C3%A9%e2%82", "/%ffé%e2%82"),
    (b"//a//b", "//a//b"),
    (b"/100%", "/100%"),
    (b"/a/./b/../c", "/a/c"),
    (b"/a/%2e%2e/c", "/c"),
    (b"/../..", "/"),
    (b"/a/..", "/"),
    (b"/a/b/.", "/a/b/"),
    (b"/.well-known/x", "/.well-known/x"),
    (b"/a+b", "/a+b"),
]


@pytest.mark.parametrize(("raw", "path"), DECODED)
def test_every_escape_is_decoded_but_the_slash(raw: bytes, path: str) -> None:
    assert decode_path(raw) == path


def test_an_escaped_nul_is_refused() -> None:
    with pytest.raises(MalformedPath):
        decode_path(b"/a%00b")


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/a/b", "/a/b"),
        (b"/a%41%20b", "/aA%20b"),
        (b"/a%2Fb", "/a%2Fb"),
        (b"/%C3%A9|", "/%C3%A9%7C"),
        (b"/100%", "/100%25"),
        (b"/%FF", "/%FF"),
    ],
)
def test_the_address_shows_a_path_that_is_escaped_where_it_must_be(raw: bytes, path: str) -> None:
    assert encode_url(raw) == path
