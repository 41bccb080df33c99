"""The laptop's side of the device flow, against a registry of a few lines."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from shared.hosting.http_server.server import bind
from shared.login.device_login import (
    HttpRegistry,
    LoginFailed,
    PendingLogin,
    RegistryUnreachable,
    request_login,
    wait_for_approval,
)
from tests.support.server import Address, running

Answer = Mapping[str, object]
ASKED = PendingLogin(
    "d-code", "BCDF-GHJK", "https://registry.test/device", interval_s=5, expires_s=600
)
GIVEN = {"access_token": "blr_t", "account": "ann", "scope": "read", "expires_in": 7_776_000}
PENDING = (400, {"error": "authorization_pending"})
SLOWER = (400, {"error": "slow_down"})


class Script:
    """A registry that answers as it is told, and a clock that only moves by waiting."""

    def __init__(self, *answers: tuple[int, Mapping[str, object]] | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.slept: list[float] = []

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Answer]:
        self.sent.append((path, dict(fields)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def waited(*answers: tuple[int, Mapping[str, object]] | Exception) -> Sequence[float]:
    """Wait for a token, and return how long between the questions."""
    script = Script(*answers)
    assert wait_for_approval(script, ASKED, script.slept.append).token == "blr_t"
    return script.slept


def reason(*answers: tuple[int, Mapping[str, object]]) -> str:
    """Wait in vain, and return why."""
    script = Script(*answers)
    with pytest.raises(LoginFailed) as refused:
        wait_for_approval(script, ASKED, script.slept.append)
    return str(refused.value)


def test_the_polling_interval_of_the_registry_is_used() -> None:
    assert waited(PENDING, PENDING, (200, GIVEN)) == [5, 5, 5]


def test_slow_down_means_five_seconds_more_from_then_on() -> None:
    assert waited(PENDING, SLOWER, PENDING, SLOWER, (200, GIVEN)) == [5, 5, 10, 10, 15]


def test_a_registry_that_is_away_for_a_moment_is_asked_again_more_slowly() -> None:
    assert waited(RegistryUnreachable("x"), (503, {}), (429, {}), (200, GIVEN)) == [5, 10, 15, 20]


def test_polling_ends_when_the_code_expires() -> None:
    script = Script(PENDING)
    with pytest.raises(LoginFailed, match="Nobody approved in time"):
        wait_for_approval(script, ASKED, script.slept.append)
    assert sum(script.slept) == ASKED.expires_s


def test_a_registry_that_asks_for_no_pause_is_not_asked_without_one() -> None:
    script = Script(PENDING, (200, GIVEN))
    hasty = PendingLogin("d", "u", "p", interval_s=0, expires_s=600)
    wait_for_approval(script, hasty, script.slept.append)
    assert script.slept == [0.2, 0.2]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"error": "access_denied", "error_description": "It was refused."}, "It was refused."),
        ({"error": "expired_token", "error_description": "Too\x1b[2J late."}, "Too[2J late."),
        ({"error": {"code": "x", "message": "Of our own API."}}, "Of our own API."),
        ({"error": "access_denied"}, "The registry gave no token (400)."),
        ({}, "The registry gave no token (400)."),
    ],
)
def test_a_refusal_ends_the_waiting_with_its_sentence(
    answer: Mapping[str, object], sentence: str
) -> None:
    assert reason(PENDING, (400, answer)) == sentence


@pytest.mark.parametrize("answer", [{}, {**GIVEN, "expires_in": "soon"}])
def test_a_token_that_is_no_token_is_a_sentence(answer: Mapping[str, object]) -> None:
    assert reason((200, answer)) == "The registry's answer cannot be read. Check the address."


def test_asking_says_which_machine_asks() -> None:
    answer = {"device_code": "d", "user_code": "u", "verification_uri": "p", "expires_in": 600}
    script = Script((200, answer))
    assert request_login(script, "laptop") == PendingLogin(
        "d", "u", "p", interval_s=5, expires_s=600
    )
    assert script.sent == [("/api/v1/device", {"client_id": "laptop"})]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((404, {}), "This is not a registry that issues tokens (404)."),
        ((200, {}), "The registry's answer cannot be read. Check the address."),
        ((429, {"error": {"message": "Too often."}}), "Too often."),
    ],
)
def test_a_refused_request_for_a_code_says_why(answer: tuple[int, Answer], sentence: str) -> None:
    with pytest.raises(LoginFailed) as refused:
        request_login(Script(answer), "laptop")
    assert str(refused.value) == sentence


# --- over sockets -------------------------------------------------------------------------------


async def echo(request: Request) -> Response:
    return JSONResponse({"fields": (await request.body()).decode()})


async def elsewhere(_: Request) -> Response:
    return RedirectResponse("/echo", 307)


async def no_json(_: Request) -> Response:
    return Response("<html>", 502)


def served() -> AbstractContextManager[Address]:
    routes = [
        Route("/echo", echo, methods=["GET", "POST"]),
        Route("/elsewhere", elsewhere, methods=["POST"]),
        Route("/html", no_json, methods=["POST"]),
    ]
    return running(Starlette(routes=routes))


def test_a_form_is_sent_and_json_is_read() -> None:
    with served() as address:
        status, answer = HttpRegistry(address.url + "/").post("/echo", {"a b": "ü&"})
    assert (status, answer) == (200, {"fields": "a+b=%C3%BC%26"})


def test_codes_are_not_sent_on_to_where_a_redirect_leads() -> None:
    with served() as address:
        status, answer = HttpRegistry(address.url).post("/elsewhere", {"device_code": "d"})
    assert (status, answer) == (307, {})


def test_an_answer_that_is_not_json_is_empty() -> None:
    with served() as address:
        assert HttpRegistry(address.url).post("/html", {}) == (502, {})


def test_a_registry_that_does_not_answer_is_named() -> None:
    with closing(bind("127.0.0.1", 0)) as bound:  # Does not listen, so nobody else answers there.
        url = Address(bound.getsockname()[1]).url
        with pytest.raises(
            RegistryUnreachable, match=f"{url} cannot be reached: .* Check the address"
        ):
            HttpRegistry(url).post("/echo", {})


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:9")
    with served() as address:
        assert HttpRegistry(address.url).post("/echo", {})[0] == 200


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://registry.test", "Others could read the token along on plain http"),
        ("ftp://registry.test", "is not a valid URL"),
        ("registry.test", "is not a valid URL"),
        ("https://", "is not a valid URL"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(address: str, sentence: str) -> None:
    with pytest.raises(LoginFailed, match=sentence):
        HttpRegistry(address)
