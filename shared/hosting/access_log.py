"""The access log: a line for each request in the common or combined log format."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from shared.domain.errors.base import redact_tokens
from shared.hosting.requests import ASGIApp, Message, Receive, RequestHeaders, Scope, Send
from shared.ports import Clock

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SPECIAL = re.compile(r"[^ !#-\[\]-~]")  # All but printable ASCII without quotes and backslashes.
_QUERY = re.compile(r"\?\S*")


class AccessLogOptions(Struct, frozen=True):
    """The format, "common" or "combined", and what finds the address of a client in headers."""

    form: str
    address_of: Callable[[Mapping[str, str]], str]
    clock: Clock


def with_access_log(
    app: ASGIApp,
    options: AccessLogOptions,
    secret_paths: Iterable[str],
    write: Callable[[bytes], object] | None = None,
) -> ASGIApp:
    """Write a line for each request after its answer.

    What follows one of `secret_paths` in a path, such as the code of a sign-in link, is replaced,
    and queries are left out.
    """
    written = write or _write_to_output
    secret = re.compile(rf"({'|'.join(map(re.escape, secret_paths)) or '(?!)'})[^/?#\s]+")

    def shown(text: str) -> str:
        without = secret.sub(r"\1****", _QUERY.sub("", redact_tokens(text)))
        return _SPECIAL.sub(_escaped, without) or "-"

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        began_ms, status, size = options.clock.now_ms(), 0, 0

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
                f"{options.address_of(headers) or '-'} - - [{_moment(began_ms)}] "
                f'"{shown(scope["method"])} {target} HTTP/{scope["http_version"]}" '
                f"{status or '-'} {size or '-'}"
            )
            if options.form == "combined":
                referer, agent = headers.get("referer", ""), headers.get("user-agent", "")
                line += f' "{shown(referer)}" "{shown(agent)}"'
            written(f"{line}\n".encode())

    return answering


def _moment(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%d}/{_MONTHS[moment.month - 1]}/{moment:%Y:%H:%M:%S} +0000"


def _escaped(character: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02X}" for byte in character[0].encode("utf-8", "replace"))


def _write_to_output(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
