"""A small app with a Function for each rule of the host, served by ours and by the real worker."""

import json
from collections.abc import Mapping
from typing import Any

import azure.functions as func

from shared.runtime.answers import Answer, FunctionResponse

ECHOES: dict[str, tuple[str, list[str] | None]] = {
    "echo_root": ("/", ["GET"]),
    "echo_segments": ("echo/{org}/{name}/{version?}", ["GET", "HEAD", "POST", "PUT"]),
    "echo_rest": ("rest/{*path}", ["GET", "PUT"]),
    "echo_any_method": ("any", None),
    "echo_by_name": ("", ["GET"]),
}


def build_app() -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for blueprint in (_echoing(), _answering(), _failing()):
        app.register_functions(blueprint)
    return app


async def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with everything that a request consists of."""
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.params),
        "route_params": dict(req.route_params),
        "body": req.get_body().decode("latin-1"),
    }
    return answered(json.dumps(seen), media_type="application/json")


def answered(
    body: str = "", headers: Mapping[str, str] | None = None, **parts: Any
) -> func.HttpResponse:
    """Return an answer with its length, as operations make them."""
    content = body.encode()
    length = {"Content-Length": str(len(content))}
    return FunctionResponse(Answer(content, headers=length | dict(headers or {}), **parts))


def _echoing() -> func.Blueprint:
    bp = func.Blueprint()
    for name, (route, methods) in ECHOES.items():
        bp.function_name(name)(bp.route(route, methods=methods)(echo))
    return bp


def _answering() -> func.Blueprint:
    bp = func.Blueprint()

    @bp.route("answer/text", methods=["GET", "HEAD"])
    async def answer_text(req: func.HttpRequest) -> func.HttpResponse:
        return FunctionResponse(Answer("grüezi".encode(), media_type="text/html"))

    @bp.route("answer/typed", methods=["GET"])
    async def answer_typed(req: func.HttpRequest) -> func.HttpResponse:
        return answered("<a/>", {"Content-Type": "text/xml"})

    @bp.route("answer/nothing", methods=["POST"])
    async def answer_nothing(req: func.HttpRequest) -> func.HttpResponse:
        return FunctionResponse(Answer(status=204))

    @bp.route("answer/length", methods=["HEAD"])
    async def answer_length(req: func.HttpRequest) -> func.HttpResponse:
        return answered(headers={"Content-Length": "1234", "Content-Type": "text/plain"})

    return bp


def _failing() -> func.Blueprint:
    bp = func.Blueprint()

    @bp.route("fail/raise", methods=["GET"])
    async def fail_by_raising(req: func.HttpRequest) -> func.HttpResponse:
        raise LookupError

    return bp
