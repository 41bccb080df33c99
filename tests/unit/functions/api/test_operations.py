"""How our own API and the pages refuse."""

import json
import re

import pytest

from functions.http.handlers import STATUS_BY_KIND, failure_response, problem_response, refusal_code
from functions.http.pages import failure_page, refusal_page
from shared.domain.errors.base import RefusalKind
from shared.domain.errors.identity import LinkExpired, TokenNotFound, TokenUnknown
from shared.domain.errors.organizations import LastOwner
from shared.domain.errors.requests import Busy, StorageFull


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


def test_who_is_not_known_is_told_how_to_say_so() -> None:
    assert problem_response(TokenUnknown()).headers["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in problem_response(TokenNotFound("x")).headers


@pytest.mark.parametrize(("refusal", "seconds"), [(Busy(), "2"), (StorageFull(), "300")])
def test_who_comes_too_early_is_told_when_to_come_back(
    refusal: Busy | StorageFull, seconds: str
) -> None:
    answer = problem_response(refusal)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, seconds)
    assert refusal_page(refusal).headers["Retry-After"] == seconds


def test_nothing_is_kept_of_a_refusal() -> None:
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
        r'<p class="lead">This sign-in link was used already', page.get_body().decode()
    )
