"""What every face reads from a request, and says of limits."""

from collections.abc import Awaitable, Callable

import azure.functions as func
import pytest

from functions._api import broken_answer
from functions._http import edge, rate_headers, when_again
from shared.auth.cookies import leave
from shared.auth.secret import Secret
from shared.domain.errors import Busy, PackageNotFound, TooManyRequests
from shared.domain.names import Package
from shared.domain.rates import Allowance, OperationClass, Subject
from shared.services.limiting import told

LEFT = Allowance(OperationClass.PUSH, Subject.TOKEN, limit=120, remaining=119, wait_ms=59_001)
LESS = Allowance(OperationClass.PUSH, Subject.ACCOUNT, limit=240, remaining=7, wait_ms=1_000)
GONE = Allowance(OperationClass.PUSH, Subject.TOKEN, 120, 0, wait_ms=16_500, is_exceeded=True)

Answer = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]


async def answered(*allowances: Allowance, status: int = 200) -> func.HttpResponse:
    """Return the answer of an operation that was counted by these limits."""

    @edge(lambda refusal: func.HttpResponse(str(refusal)), func.HttpResponse)
    async def operation(_request: func.HttpRequest) -> func.HttpResponse:
        notes = told.get()
        assert notes is not None
        notes.extend(allowances)
        return func.HttpResponse(status_code=status)

    return await operation(func.HttpRequest("GET", "/", body=b""))


def test_the_headers_of_a_limit_are_numbers_and_seconds() -> None:
    assert rate_headers(LEFT) == {
        "RateLimit-Limit": "120",
        "RateLimit-Remaining": "119",
        "RateLimit-Reset": "60",
    }


async def test_an_answer_tells_the_tightest_of_its_limits() -> None:
    answer = await answered(LEFT, LESS)
    assert answer.headers["RateLimit-Limit"] == "240"
    assert answer.headers["RateLimit-Remaining"] == "7"


async def test_an_answer_without_limits_tells_none() -> None:
    answer = await answered()
    assert "RateLimit-Limit" not in answer.headers


async def test_a_refusal_tells_no_limit_but_its_own() -> None:
    answer = await answered(LEFT, status=404)
    assert "RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [(TooManyRequests(GONE), "17"), (Busy(), "2"), (PackageNotFound(Package.parse("a", "b")), "")],
)
def test_who_may_come_again_is_told_when(refusal: Exception, seconds: str) -> None:
    headers = when_again(refusal)  # pyright: ignore[reportArgumentType] - each is a refusal.
    assert headers.get("Retry-After", "") == seconds
    assert headers.get("RateLimit-Reset", "") == (seconds if seconds == "17" else "")


async def test_an_answer_that_the_host_would_not_send_is_a_fault_of_ours() -> None:
    @edge(lambda refusal: func.HttpResponse(str(refusal)), broken_answer)
    async def operation(_request: func.HttpRequest) -> func.HttpResponse:
        leave(Secret("a=b; Path=/"))
        return func.HttpResponse(b"a", headers={"Transfer-Encoding": "chunked"})

    answer = await operation(func.HttpRequest("GET", "/", body=b""))
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.get_body().decode()
    assert answer.headers["Content-Length"] == str(len(answer.get_body()))
    assert "Set-Cookie" not in answer.headers
