"""Operations of tests: a face with one of them, asked without a host."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import azure.functions as func

from functions.api.api_face import ApiFace, OpenApi
from functions.http.calls import Call, Exchange, headers_of
from functions.http.operations import Face, answer
from shared.domain.notices import NoticeBoard
from shared.registry import Registry
from shared.runtime.answers import Answer, FunctionResponse
from shared.settings import Settings
from shared.telemetry.log import configure
from tests.fakes.system import FakeClock


class _Notices:
    """The notices of a registry that announces nothing."""

    async def current(self) -> NoticeBoard:
        return NoticeBoard()


# No registry is built here, which sets the level of the log. Lines of requests that wait to be
# written when a test ends would count as those of the next one.
configure("warning")

# What an operation needs that identifies nobody.
NO_REGISTRY = cast(
    "Registry",
    SimpleNamespace(
        clock=FakeClock(),
        limits=SimpleNamespace(notice_cache=_Notices()),
        settings=Settings.model_construct(),  # Each has its default.
    ),
)


def declare_change(
    face: Face[Any], handler: Callable[[Any], Awaitable[Answer]], route: str, name: str
) -> None:
    """Declare an operation of the face that identifies nobody."""
    entry = OpenApi("Of a test.", 200, None, None, ())
    options: dict[str, Any] = {"openapi": entry} if isinstance(face, ApiFace) else {}
    face.change(route, name=name, ignores_credentials=True, **options)(handler)


async def answer_of(
    face: Face[Any],
    handler: Callable[[Any], Awaitable[Answer]],
    request: func.HttpRequest,
    registry: Registry = NO_REGISTRY,
) -> FunctionResponse:
    """Answer the request by a handler, as the only operation of a face, which identifies nobody."""
    declare_change(face, handler, "x", "of_a_test")
    *_, operation = face
    return await answer(operation, registry, request)


def call_of(request: func.HttpRequest, registry: Registry = NO_REGISTRY) -> Call:
    """Return the call of a request, by nobody."""
    return Call(registry, request, Exchange.begin("of_a_test"), headers_of(request))
