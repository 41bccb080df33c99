"""The access log: a line for each request in the common or combined log format."""

import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from shared.domain.secrets import redact_tokens
from shared.hosting.asgi import ASGIApp, Message, Receive, Scope, Send
from shared.hosting.requests import RequestHeaders

AddressOf = Callable[[Mapping[str, str]], str]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SPECIAL = re.compile(r"[^ !#-\[\]-~]")  # All but printable ASCII without quotes and backslashes.
_QUERY = re.compile(r"\?\S*")


def with_access_log(
    app: ASGIApp,
    form: str,
    address_of: AddressOf,
    secret_paths: Iterable[str],
    write: Callable[[bytes], object] | None = None,
) -> ASGIApp:
    """Write a line for each request after its answer, in the `form` "common" or "combined".

    `address_of` returns the client's address from the headers. What follows one of `secret_paths`
    in a path, such as the code of a sign-in link, is replaced, and queries are left out.
    """
    written = write or _write_to_output
    secret = re.compile(rf"({'|'.join(map(re.escape, secret_paths)) or '(?!)'})[^/?#\s]+")

    def shown(text: str) -> str:
        without = secret.sub(r"\1****", _QUERY.sub("", redact_tokens(text)))
        return _SPECIAL.sub(_escaped, without) or "-"

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        began, status, size = time.time(), 0, 0

        async def sending(message: Message) -> None:
            nonlocal status, size
            status = message.get("status", status)
            size += len(message.get("body", b""))
            await send(message)

        try:
            await app(scope, receive, sending)
        finally:
            # Without the record of which headers were read, by which answers are repeated.
            headers = RequestHeaders.of(
                {"headers": scope["headers"], "client": scope.get("client")}
            )
            target = shown(scope["raw_path"].decode("latin-1"))
            line = (
                f"{address_of(headers) or '-'} - - [{_moment(began)}] "
                f'"{shown(scope["method"])} {target} HTTP/{scope["http_version"]}" '
                f"{status or '-'} {size or '-'}"
            )
            if form == "combined":
                referer, agent = headers.get("referer", ""), headers.get("user-agent", "")
                line += f' "{shown(referer)}" "{shown(agent)}"'
            written(f"{line}\n".encode())

    return answering


def _moment(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%d}/{_MONTHS[moment.month - 1]}/{moment:%Y:%H:%M:%S} +0000"


def _escaped(character: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02X}" for byte in character[0].encode("utf-8", "replace"))


def _write_to_output(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
