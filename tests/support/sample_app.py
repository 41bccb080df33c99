"""A small app with a Function for each rule of the host, served by ours and by the real worker."""

import json
from contextlib import closing

import azure.functions as func

ECHOES: dict[str, tuple[str, list[str] | None]] = {
    "echo_root": ("/", ["GET"]),
    "echo_segments": ("echo/{org}/{name}/{version?}", ["GET", "HEAD", "POST", "PUT"]),
    "echo_rest": ("rest/{*path}", ["GET", "PUT"]),
    "echo_any_method": ("any", None),
    "echo_by_name": ("", ["GET"]),
}


def build_app() -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for blueprint in (_echoing(), _reading(), _answering(), _failing()):
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
    body = json.dumps(seen).encode()
    length = {"Content-Length": str(len(body))}
    return func.HttpResponse(body, headers=length, mimetype="application/json")


def _echoing() -> func.Blueprint:
    bp = func.Blueprint()
    for name, (route, methods) in ECHOES.items():
        bp.function_name(name)(bp.route(route, methods=methods)(echo))
    return bp


def _reading() -> func.Blueprint:
    bp = func.Blueprint()

    @bp.route("read/form", methods=["POST"])
    async def read_form(req: func.HttpRequest) -> func.HttpResponse:
        files: dict[str, str] = {}
        for name, each in req.files.items():
            with closing(each):
                files[name] = each.read().decode()
        return func.HttpResponse(json.dumps({"form": dict(req.form), "files": files}))

    @bp.route("read/json", methods=["POST"])
    async def read_json(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return func.HttpResponse(json.dumps(req.get_json()))
        except ValueError as unreadable:
            return func.HttpResponse(str(unreadable), status_code=400)

    return bp


def _answering() -> func.Blueprint:
    bp = func.Blueprint()

    @bp.route("answer/text", methods=["GET", "HEAD"])
    async def answer_text(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("grüezi", mimetype="text/html")

    @bp.route("answer/typed", methods=["GET"])
    async def answer_typed(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(b"<a/>", headers={"Content-Type": "text/xml"})

    @bp.route("answer/nothing", methods=["POST"])
    async def answer_nothing(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(status_code=204)

    @bp.route("answer/length", methods=["HEAD"])
    async def answer_length(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(headers={"Content-Length": "1234", "Content-Type": "text/plain"})

    @bp.route("answer/twice", methods=["GET"])
    async def answer_twice(req: func.HttpRequest) -> func.HttpResponse:
        response = func.HttpResponse("twice")
        for value in ("first", "last"):
            response.headers.add("X-Twice", value)
        response.headers.add("Set-Cookie", "__Host-session=a.b-c; Path=/; Secure; HttpOnly")
        response.headers.add("Set-Cookie", "lang=de; Max-Age=60; SameSite=Lax")
        return response

    @bp.route("answer/thread", methods=["GET"])
    def answer_from_a_thread(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("from a thread")

    return bp


def _failing() -> func.Blueprint:
    bp = func.Blueprint()

    @bp.route("fail/raise", methods=["GET"])
    async def fail_by_raising(req: func.HttpRequest) -> func.HttpResponse:
        raise LookupError

    @bp.route("fail/dict", methods=["GET"])
    async def fail_by_a_dict(req: func.HttpRequest) -> func.HttpResponse:
        return {"not": "a response"}  # type: ignore[return-value]

    @bp.route("fail/none", methods=["GET"])
    async def fail_by_nothing(req: func.HttpRequest) -> func.HttpResponse:
        return None  # type: ignore[return-value]

    return bp
