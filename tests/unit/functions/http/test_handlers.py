"""What every face reads from a request, and says of limits."""

import json
import re
from collections.abc import Awaitable, Callable

import azure.functions as func
import pytest

from functions.http.handlers import (
    STATUS_BY_KIND,
    failure_response,
    handler_decorator,
    problem_response,
    refusal_code,
)
from functions.http.pages import failure_page, refusal_page
from functions.http.responses import rate_limit_fields, retry_headers
from shared.auth.cookies import send_cookie
from shared.auth.secrets import Secret
from shared.domain.errors.base import RefusalKind
from shared.domain.errors.identity import LinkExpired, TokenNotFound, TokenUnknown
from shared.domain.errors.organizations import LastOwner
from shared.domain.errors.packages import PackageNotFound
from shared.domain.errors.requests import Busy, StorageFull, TooManyRequests
from shared.domain.names import Package
from shared.domain.rate_limits import RateLimitAllowance, RateLimitClass, RateLimitSubject
from shared.services.rate_limits import rate_limit_headers

LEFT = RateLimitAllowance(
    RateLimitClass.PUSH, RateLimitSubject.TOKEN, limit=120, remaining=119, wait_ms=59_001
)
LESS = RateLimitAllowance(
    RateLimitClass.PUSH, RateLimitSubject.ACCOUNT, limit=240, remaining=7, wait_ms=1_000
)
GONE = RateLimitAllowance(
    RateLimitClass.PUSH, RateLimitSubject.TOKEN, 120, 0, wait_ms=16_500, is_exceeded=True
)

Answer = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]


async def answered(*allowances: RateLimitAllowance, status: int = 200) -> func.HttpResponse:
    """Return the answer of an operation that was counted by these limits."""

    @handler_decorator(lambda refusal: func.HttpResponse(str(refusal)), func.HttpResponse)
    async def operation(_request: func.HttpRequest) -> func.HttpResponse:
        notes = rate_limit_headers.get()
        assert notes is not None
        notes.extend(allowances)
        return func.HttpResponse(status_code=status)

    return await operation(func.HttpRequest("GET", "/", body=b""))


def test_the_headers_of_a_limit_are_numbers_and_seconds() -> None:
    assert rate_limit_fields(LEFT) == {
        "RateLimit-Limit": "120",
        "RateLimit-Remaining": "119",
        "RateLimit-Reset": "60",
    }


async def test_an_answer_has_the_tightest_of_its_limits() -> None:
    answer = await answered(LEFT, LESS)
    assert answer.headers["RateLimit-Limit"] == "240"
    assert answer.headers["RateLimit-Remaining"] == "7"


async def test_an_answer_without_limits_has_no_headers_for_them() -> None:
    answer = await answered()
    assert "RateLimit-Limit" not in answer.headers


async def test_a_refusal_has_no_limit_but_its_own() -> None:
    answer = await answered(LEFT, status=404)
    assert "RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [(TooManyRequests(GONE), "17"), (Busy(), "2"), (PackageNotFound(Package.parse("a", "b")), "")],
)
def test_a_caller_of_a_rate_limit_reads_when_to_retry(refusal: Exception, seconds: str) -> None:
    headers = retry_headers(refusal)  # pyright: ignore[reportArgumentType] - each is a refusal.
    assert headers.get("Retry-After", "") == seconds
    assert headers.get("RateLimit-Reset", "") == (seconds if seconds == "17" else "")


async def test_an_answer_that_the_host_would_not_send_is_a_fault_of_ours() -> None:
    @handler_decorator(lambda refusal: func.HttpResponse(str(refusal)), failure_response)
    async def operation(_request: func.HttpRequest) -> func.HttpResponse:
        send_cookie(Secret("a=b; Path=/"))
        return func.HttpResponse(b"a", headers={"Transfer-Encoding": "chunked"})

    answer = await operation(func.HttpRequest("GET", "/", body=b""))
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.get_body().decode()
    assert answer.headers["Content-Length"] == str(len(answer.get_body()))
    assert "Set-Cookie" not in answer.headers


def test_every_kind_of_refusal_has_a_status_of_its_own() -> None:
    assert set(STATUS_BY_KIND) == set(RefusalKind)
    assert len(set(STATUS_BY_KIND.values())) == len(RefusalKind)


def test_a_refusal_is_a_code_for_programs_and_a_sentence_for_people() -> None:
    answer = problem_response(LastOwner("kim", "acme"))
    problem = json.loads(answer.get_body())["error"]
    assert answer.status_code == 409
    assert problem == {"code": "last-owner", "message": str(LastOwner("kim", "acme"))}


def test_codes_are_the_names_of_refusals() -> None:
    assert refusal_code(TokenNotFound) == "token-not-found"


def test_an_unknown_caller_reads_how_to_authenticate() -> None:
    assert problem_response(TokenUnknown()).headers["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in problem_response(TokenNotFound("x")).headers


@pytest.mark.parametrize(("refusal", "seconds"), [(Busy(), "2"), (StorageFull(), "300")])
def test_a_caller_that_is_too_early_reads_when_to_retry(
    refusal: Busy | StorageFull, seconds: str
) -> None:
    answer = problem_response(refusal)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, seconds)
    assert refusal_page(refusal).headers["Retry-After"] == seconds


def test_no_cache_stores_a_refusal() -> None:
    assert problem_response(Busy()).headers["Cache-Control"] == "no-store"
    assert failure_response("1f").headers["Cache-Control"] == "no-store"


def test_a_failure_shows_what_to_quote_and_nothing_of_the_inside() -> None:
    message = "The registry failed. Tell its operator this request id: 1f."
    assert json.loads(failure_response("1f").get_body())["error"]["message"] == message
    assert "<code>1f</code>" in failure_page("1f").get_body().decode()
    assert failure_response("1f").status_code == failure_page("1f").status_code == 500


def test_a_refused_page_shows_the_sentence() -> None:
    page = refusal_page(LinkExpired())
    assert page.status_code == 401
    assert re.search(
        r'<p class="lead">This sign-in link was used or has expired', page.get_body().decode()
    )
