"""Headers of every answer, as host.json has them: the real host adds them, and so does this one."""

import json
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.hosting.responses import RawHeaders

HOST_FILE = Path(__file__).resolve().parents[2] / "host.json"


def added_headers(address: str, file: Path = HOST_FILE) -> RawHeaders:
    """Return what the file adds to each answer of a host that clients know by this address.

    Browsers are told to come by https alone only where they come by https.
    """
    http = json.loads(file.read_text("utf-8"))["extensions"]["http"]
    headers: RawHeaders = [
        (name.lower().encode("ascii"), value.encode("ascii"))
        for name, value in http["customHeaders"].items()
    ]
    if http["hsts"]["isEnabled"] and address.startswith("https://"):
        lifetime = timedelta(days=int(http["hsts"]["maxAge"]))
        seconds = lifetime // timedelta(seconds=1)
        headers.append((b"strict-transport-security", b"max-age=%d" % seconds))
    return headers


def headed(app: ASGIApp, headers: RawHeaders) -> ASGIApp:
    """Add the headers to each answer that has none of that name."""

    # Not coroutines themselves: a step that only passes on costs no frame of its own.
    def answering(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        def sending(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                given = message["headers"]
                names = {name for name, _ in given}
                added = [each for each in headers if each[0] not in names]
                message = {**message, "headers": [*given, *added]}
            return send(message)

        return app(scope, receive, sending)

    return answering
