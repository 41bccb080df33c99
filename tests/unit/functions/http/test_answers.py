"""Answers: refusals as problems, headers of limits, and what the host requires of each answer."""

import json
from typing import Any

import pytest

from functions.http.answers import (
    STATUS_BY_KIND,
    UnsendableAnswer,
    complete,
    failure_answer,
    problem_answer,
    rate_limit_fields,
    retry_headers,
)
from shared.domain.errors.base import Refusal, RefusalKind
from shared.domain.errors.identity import TokenNotFound, TokenUnknown, last_owner
from shared.domain.errors.packages import PackageNotFound
from shared.domain.errors.requests import Busy, MethodNotAllowed, StorageFull, TooManyRequests
from shared.domain.names import Package
from shared.domain.rate_limits import RateLimitAllowance, RateLimitClass, RateLimitSubject
from shared.runtime.answers import Answer, FunctionResponse

LEFT = RateLimitAllowance(
    RateLimitClass.PUSH, RateLimitSubject.TOKEN, limit=120, remaining=119, wait_ms=59_001
)
GONE = RateLimitAllowance(
    RateLimitClass.PUSH, RateLimitSubject.TOKEN, 120, 0, wait_ms=16_500, is_exceeded=True
)

# --- refusals ----------------------------------------------------------------------------------


def test_the_headers_of_a_limit_are_numbers_and_seconds() -> None:
    assert rate_limit_fields(LEFT) == {
        "RateLimit-Limit": "120",
        "RateLimit-Remaining": "119",
        "RateLimit-Reset": "60",
    }


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [(TooManyRequests(GONE), "17"), (Busy(), "2"), (PackageNotFound(Package.parse("a", "b")), "")],
)
def test_a_caller_of_a_rate_limit_reads_when_to_retry(refusal: Refusal, seconds: str) -> None:
    headers = retry_headers(refusal)
    assert headers.get("Retry-After", "") == seconds
    assert headers.get("RateLimit-Reset", "") == (seconds if seconds == "17" else "")


def test_a_refused_method_names_those_that_are_allowed() -> None:
    refusal = MethodNotAllowed("PUT", "/x", ["GET", "HEAD"])
    assert retry_headers(refusal) == {"Allow": "GET, HEAD"}


def test_every_kind_of_refusal_has_a_status_of_its_own() -> None:
    assert set(STATUS_BY_KIND) == set(RefusalKind)
    assert len(set(STATUS_BY_KIND.values())) == len(RefusalKind)


def test_a_refusal_is_a_code_for_programs_and_a_sentence_for_people() -> None:
    answer = problem_answer(last_owner("kim", "acme"))
    problem = json.loads(answer.body)["error"]
    assert answer.status == 409
    assert problem == {"code": "last-owner", "message": str(last_owner("kim", "acme"))}


def test_an_unknown_caller_reads_how_to_authenticate() -> None:
    assert problem_answer(TokenUnknown()).headers["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in problem_answer(TokenNotFound("x")).headers


@pytest.mark.parametrize(("refusal", "seconds"), [(Busy(), "2"), (StorageFull(), "300")])
def test_a_caller_that_is_too_early_reads_when_to_retry(refusal: Refusal, seconds: str) -> None:
    answer = problem_answer(refusal)
    assert (answer.status, answer.headers["Retry-After"]) == (503, seconds)


def test_no_cache_stores_a_refusal() -> None:
    assert problem_answer(Busy()).headers["Cache-Control"] == "no-store"
    assert failure_answer("1f").headers["Cache-Control"] == "no-store"


def test_a_failure_shows_what_to_quote_and_nothing_of_the_inside() -> None:
    message = "The registry failed. Tell its operator this request id: 1f."
    assert json.loads(failure_answer("1f").body)["error"]["message"] == message
    assert failure_answer("1f").status == 500


# --- requirements of the host ------------------------------------------------------------------


def completed(method: str = "GET", **fields: Any) -> Answer:
    answer = Answer(**fields)
    complete(answer, method)
    return answer


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    ("body", "length"), [(b"", "0"), ("gr\u00fcezi".encode(), "7"), (b"x" * 70_000, "70000")]
)
def test_the_length_of_the_body_is_named(method: str, body: bytes, length: str) -> None:
    assert completed(method, body=body).headers["Content-Length"] == length


def test_a_length_that_is_right_stays() -> None:
    headers = {"content-length": "3"}
    assert completed(body=b"abc", headers=headers).headers == headers


def test_a_head_may_name_the_length_of_what_it_leaves_out() -> None:
    answer = completed("HEAD", headers={"Content-Length": "12345"})
    assert answer.headers["Content-Length"] == "12345"


def test_a_head_of_a_compressed_text_names_no_length() -> None:
    answer = completed("HEAD", headers={"Content-Encoding": "gzip"})
    assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_no_length(status: int) -> None:
    assert "Content-Length" not in completed(status=status).headers


@pytest.mark.parametrize(
    "fields",
    [
        {"body": b"a", "headers": {"Content-Length": "2"}},
        {"body": b"abc", "headers": {"Content-Length": "2"}},
        {"headers": {"Content-Length": "2"}},
        {"headers": {"Content-Length": "two"}},
        {"body": b"a", "headers": {"Transfer-Encoding": "chunked"}},
        {"body": b"a", "status": 204},
        {"body": b"a", "status": 304},
        {"status": 103},
        {"status": 600},
        {"headers": {"X-Name": "Gr\u00fcezi"}},
        {"headers": {"X-Name": "\u20ac"}},
        {"headers": {"X-Name": "a\tb"}},
        {"headers": {"X-Twice": "1", "x-twice": "2"}},
        {"headers": {"Set-Cookie": "a=b; Path=/"}},
        {"cookies": ["a=b c; Path=/"]},
        {"cookies": ['a="b"; Path=/']},
        {"cookies": ["a=b=c; Path=/"]},
        {"cookies": ["a=b; Path=/", "a=b; Path=/; Partitioned"]},
    ],
    ids=str,
)
def test_what_the_host_would_change_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UnsendableAnswer):
        completed(**fields)


def test_a_length_in_lower_case_is_one() -> None:
    with pytest.raises(UnsendableAnswer):
        completed(body=b"abc", headers={"content-length": "2"})


def test_a_cookie_is_sent_as_often_as_there_are() -> None:
    cookies = [f"{name}=1; Max-Age=60; Path=/; HttpOnly; SameSite=Lax" for name in ("a", "b")]
    response = FunctionResponse(completed(cookies=cookies))
    assert response.headers.getlist("Set-Cookie") == cookies


def test_answers_do_not_share_the_headers_that_they_were_given() -> None:
    given = {"A": "b"}
    first, second = Answer(headers=given), Answer(headers=given)
    first.headers["X-Request-Id"] = "1"
    assert second.headers == given == {"A": "b"}


def test_a_cookie_is_not_printed() -> None:
    assert "secret" not in repr(Answer(cookies=["a=secret"]))
