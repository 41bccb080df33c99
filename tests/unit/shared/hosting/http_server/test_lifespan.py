"""An application is started before its first request, and ended after its last one."""

from collections.abc import Generator
from typing import Any

import pytest

from shared.hosting.http_server.lifespan import Lifespan
from shared.hosting.requests import ASGIApp, Receive, Scope, Send
from tests.support.logs import capture_logs


@pytest.fixture(autouse=True)
def logged() -> Generator[list[dict[str, Any]]]:
    """Collect events instead of writing them."""
    with capture_logs() as events:
        yield events


def living(told: list[str], *answers: str) -> ASGIApp:
    """Return an application that notes what it is told, and answers with these messages."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        told.append(scope["type"])
        for answer in answers:
            told.append((await receive())["type"])
            await send({"type": answer, "message": "there is no disk"})

    return app


async def test_an_application_is_started_and_ended(logged: list[dict[str, Any]]) -> None:
    told = list[str]()
    lifespan = Lifespan(living(told, "lifespan.startup.complete", "lifespan.shutdown.complete"))
    assert await lifespan.start()
    assert told == ["lifespan", "lifespan.startup"]
    await lifespan.end()
    assert told == ["lifespan", "lifespan.startup", "lifespan.shutdown"]
    assert logged == []


async def test_an_application_that_does_not_start_is_not_served_and_not_ended(
    logged: list[dict[str, Any]],
) -> None:
    told = list[str]()
    lifespan = Lifespan(living(told, "lifespan.startup.failed"))
    assert not await lifespan.start()
    await lifespan.end()
    assert told == ["lifespan", "lifespan.startup"]
    assert [each["event"] for each in logged] == ["application.lifespan_failed"]


async def fail(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    raise ZeroDivisionError


@pytest.mark.parametrize("app", [fail, living([], "lifespan.unknown")])
async def test_an_application_that_raises_has_not_started(
    app: ASGIApp, logged: list[dict[str, Any]]
) -> None:
    assert not await Lifespan(app).start()
    assert [each["event"] for each in logged] == ["application.failed"]


@pytest.mark.parametrize(
    "answers",
    [
        ["lifespan.startup.complete"],
        ["lifespan.startup.complete", "lifespan.shutdown.failed"],
        ["lifespan.startup.complete", "lifespan.unknown"],
    ],
)
async def test_nobody_waits_for_an_application_that_does_not_end_well(answers: list[str]) -> None:
    lifespan = Lifespan(living([], *answers))
    assert await lifespan.start()
    await lifespan.end()
