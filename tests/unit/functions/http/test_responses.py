"""Responses state their length; those that the host would change are refused."""

import azure.functions as func
import pytest

from functions.http.responses import UnsendableResponse, complete_response


def finished(method: str = "GET", **options: object) -> func.HttpResponse:
    response = func.HttpResponse(**options)  # type: ignore[arg-type]
    complete_response(response, method)
    return response


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    ("body", "length"), [(b"", "0"), ("gr\u00fcezi", "7"), (b"x" * 70_000, "70000")]
)
def test_the_length_of_the_body_is_named(method: str, body: str | bytes, length: str) -> None:
    assert finished(method, body=body).headers["Content-Length"] == length


def test_a_length_that_is_right_stays() -> None:
    assert finished(body=b"abc", headers={"content-length": "3"}).headers["Content-Length"] == "3"


def test_a_head_may_name_the_length_of_what_it_leaves_out() -> None:
    response = finished("HEAD", headers={"Content-Length": "12345"})
    assert response.headers["Content-Length"] == "12345"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_no_length(status: int) -> None:
    assert "Content-Length" not in finished(status_code=status).headers


@pytest.mark.parametrize(
    "options",
    [
        {"body": b"a", "headers": {"Content-Length": "2"}},
        {"body": b"abc", "headers": {"Content-Length": "2"}},
        {"headers": {"Content-Length": "2"}},
        {"headers": {"Content-Length": "two"}},
        {"body": b"a", "headers": {"Transfer-Encoding": "chunked"}},
        {"body": b"a", "status_code": 204},
        {"body": b"a", "status_code": 304},
        {"status_code": 103},
        {"status_code": 600},
        {"headers": {"X-Name": "Gr\u00fcezi"}},
        {"headers": {"X-Name": "\u20ac"}},
        {"headers": {"X-Name": "a\tb"}},
        {"headers": {"Set-Cookie": "a=b c; Path=/"}},
        {"headers": {"Set-Cookie": 'a="b"; Path=/'}},
        {"headers": {"Set-Cookie": "a=b=c; Path=/"}},
        {"headers": {"Set-Cookie": "a=b; Path=/; Partitioned"}},
    ],
    ids=str,
)
def test_headers_that_the_host_would_change_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UnsendableResponse):
        finished(**options)  # type: ignore[arg-type]


def test_a_header_is_there_once_and_a_cookie_as_often_as_there_are() -> None:
    response = func.HttpResponse()
    for name in ("a", "b"):
        response.headers.add("Set-Cookie", f"{name}=1; Max-Age=60; Path=/; HttpOnly; SameSite=Lax")
    complete_response(response, "GET")
    response.headers.add("X-Twice", "1")
    response.headers.add("x-twice", "2")
    with pytest.raises(UnsendableResponse):
        complete_response(response, "GET")
