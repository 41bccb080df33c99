"""Invoke Functions through the worker of the Functions host: `driver.py FOLDER`.

The worker is the real one; this command plays the other half, the host itself. Each line of
standard input is a JSON list of requests, each to one Function; a line of standard output has an
answer for each of them. A request for the `index` is answered with what the worker told the host of
its Functions: their names and bindings.
"""

import asyncio
import json
import sys
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

ROOT = Path(__file__).resolve().parent.parent.parent


def main(folder: str) -> None:
    """Load the app of the folder, and answer what standard input asks until its end."""
    # The order of the worker of 3.13 and later, which puts what the app brings along first.
    sys.path[:0] = [f"{folder}/.python_packages/lib/site-packages", folder, str(ROOT)]
    asyncio.run(_serve(folder))


async def _serve(folder: str) -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr  # What an app prints is no answer.
    await _load(folder)
    # A thread waits for input, so that the app can write its log meanwhile.
    while line := await asyncio.to_thread(sys.stdin.readline):
        answered = [
            await (_index() if request == "index" else _answer(request))
            for request in json.loads(line)
        ]
        print(json.dumps(answered), file=answers, flush=True)


async def _load(folder: str) -> None:
    from azure_functions_runtime import handle_event  # type: ignore[import-not-found]

    from tests.worker import protos

    start = protos.Record(capabilities={}, function_app_directory=folder)
    request = protos.Record(
        request=protos.Record(worker_init_request=start),
        properties={"host": "127.0.0.1", "protos": protos},
    )
    answer = await handle_event.worker_init_request(request)
    if answer.result.status != protos.StatusResult.Success:
        sys.exit(f"the worker refuses the app: {answer.result.exception.message}")


async def _index() -> dict[str, list[dict[str, Any]]]:
    from azure_functions_runtime import handle_event  # type: ignore[import-not-found]

    answer = await handle_event.functions_metadata_request(None)
    return {
        each.name: [json.loads(binding) for binding in each.raw_bindings]
        for each in answer.function_metadata_results
    }


async def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from azure_functions_runtime import handle_event  # type: ignore[import-not-found]

    from tests.worker import protos

    invocation = protos.Record(
        invocation_id=request.get("invocation") or str(uuid.uuid4()),
        function_id=str(uuid.uuid5(uuid.NAMESPACE_OID, request["function"])),
        input_data=[protos.ParameterBinding(name="req", data=_http(request, protos))],
        trigger_metadata={},
        trace_context=protos.Record(trace_parent=request.get("trace")),
        retry_context=protos.Record(),
    )
    wrapped = protos.Record(request=protos.Record(invocation_request=invocation))
    answer = await handle_event.invocation_request(wrapped)
    if answer.result.status != protos.StatusResult.Success:
        return _framed({"status": 500, "headers": {}, "cookies": [], "body": ""}, request["method"])
    return _framed(_sent(answer.return_value), request["method"])


def _http(request: dict[str, Any], protos: Any) -> Any:
    """Make the message that the host sends for a request."""
    headers: dict[str, str] = {}
    for name, value in request["headers"]:
        headers[name.lower()] = ",".join(filter(None, [headers.get(name.lower()), value]))
    query: dict[str, str] = {}
    for name, value in parse_qsl(request["target"].partition("?")[2]):
        query[name] = ",".join(filter(None, [query.get(name), value]))
    body = request["body"].encode("latin-1")
    return protos.TypedData(
        http=protos.RpcHttp(
            method=request["method"],
            url=f"http://{headers['host']}{request['target']}",
            headers=headers,
            query=query,
            params=request["params"],
            body=protos.TypedData(bytes=body or None),
        )
    )


def _sent(value: Any) -> dict[str, Any]:
    """Write the answer of the worker as the host does."""
    if value.string is not None:
        kind = {"content-type": "text/plain; charset=utf-8"}
        return {"status": 200, "headers": kind, "cookies": [], "body": value.string}
    http = value.http
    return {
        "status": int(http.status_code),
        "headers": {name.lower(): text for name, text in http.headers.items()},
        "cookies": [_cookie(each) for each in http.cookies or []],
        "body": http.body.bytes.decode("latin-1"),
    }


def _framed(answer: dict[str, Any], method: str) -> dict[str, Any]:
    """Name the length of no body, which the host does by itself; of a body it names none."""
    has_length = answer["body"] or method == "HEAD" or answer["status"] in (204, 304)
    if not has_length:
        answer["headers"].setdefault("content-length", "0")
    return answer


def _cookie(cookie: Any) -> str:
    parts = [f"{cookie.name}={quote(cookie.value, safe='~')}"]
    if cookie.max_age is not None and cookie.max_age.value != "":
        parts.append(f"max-age={int(cookie.max_age.value)}")
    for name, field in (("domain", cookie.domain), ("path", cookie.path)):
        parts.append(f"{name}={field.value if field is not None else ''}")
    if cookie.secure is not None and cookie.secure.value:
        parts.append("secure")
    if cookie.same_site:
        parts.append(f"samesite={cookie.same_site}")
    if cookie.http_only is not None and cookie.http_only.value:
        parts.append("httponly")
    return "; ".join(parts)


if __name__ == "__main__":
    main(sys.argv[1])
