"""Answers: refusals as problems, headers of limits, and what the host requires of each answer."""

from typing import Any

import pytest

from functions.http.answers import (
    STATUS_BY_KIND,
    UnsendableAnswer,
    complete,
    failure_answer,
    problem_answer,
)
from shared.domain.errors.base import RefusalKind
from shared.domain.errors.requests import Busy
from shared.runtime.answers import Answer

# --- refusals ----------------------------------------------------------------------------------


def test_every_kind_of_refusal_has_a_status_of_its_own() -> None:
    assert set(STATUS_BY_KIND) == set(RefusalKind)
    assert len(set(STATUS_BY_KIND.values())) == len(RefusalKind)


def test_no_cache_stores_a_refusal() -> None:
    assert problem_answer(Busy()).headers["Cache-Control"] == "no-store"
    assert failure_answer("1f").headers["Cache-Control"] == "no-store"


# --- requirements of the host ------------------------------------------------------------------


def completed(method: str = "GET", **fields: Any) -> Answer:
    answer = Answer(**fields)
    complete(answer, method)
    return answer


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
