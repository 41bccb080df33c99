"""What the real Functions host did with requests as bytes, and an app that tells the same.

`recorded_connections.jsonl` has the measurements: a request and what was sent later, all answers
(status, and the method, path and length of the body that the Function saw), and whether the
connection was then open or closed. `next` says that a request of NEXT follows what was sent last.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import azure.functions as func

from tests.support.sample_app import answered

ROWS = Path(__file__).with_suffix(".jsonl")
NEXT = b"GET /health/live HTTP/1.1\r\nHost: registry.example\r\nX-Next: yes\r\n\r\n"
PROBE = b"GET /probe HTTP/1.1\r\nHost: registry.example\r\nConnection: close\r\n\r\n"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
SILENT = "silent"  # In place of an answer that did not come.
_SECONDS = 20


@dataclass(frozen=True)
class Recorded:
    """One connection to the real host."""

    name: str
    pieces: tuple[bytes, ...]
    half_closed: bool
    outcome: tuple[str, ...]  # The answers, and "open" or "closed".

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read a row."""
        sent = [row[key].encode("latin-1") for key in ("request", "later") if key in row]
        sent[-1] += NEXT if row.get("next") else b""
        outcome = (*row["answers"], row["then"])
        return cls(row["name"], tuple(sent), row.get("half_closed", False), outcome)

    def with_later_body(self) -> tuple[bytes, ...]:
        """Return the pieces, of which the first ends with the first head."""
        head, end, rest = b"".join(self.pieces).partition(b"\r\n\r\n")
        return (head + end, rest) if rest else self.pieces


def recorded() -> list[Recorded]:
    """Return all connections."""
    return [Recorded.of(json.loads(line)) for line in ROWS.read_text("utf-8").splitlines()]


def recorded_upgrades() -> list[Recorded]:
    """Return the connections whose first request has to do with another protocol."""
    return [each for each in recorded() if b"pgrade" in each.pieces[0]]


def telling_app() -> func.FunctionApp:
    """Return an app that answers everything with what it saw."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("{*path}", methods=METHODS)
    async def tell(req: func.HttpRequest) -> func.HttpResponse:
        path = req.url.partition("://")[2].partition("/")[2].partition("?")[0]
        said = f"{req.method} /{path} {len(req.get_body())}"
        return answered(said)

    return app


@dataclass
class Connected:
    """A connection of a client that reads answers."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def outcome(self, recorded: Recorded, pieces: tuple[bytes, ...], pause: float) -> Any:
        """Return the outcome of a connection in the form in which it is recorded."""
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(pause)
            await self.send(piece)
        if recorded.half_closed:
            self.writer.write_eof()
        is_head = pieces[0].startswith(b"HEAD ")
        answers: list[str] = []
        while len(answers) < len(recorded.outcome) - 1:
            answers.append(await self.answer(is_head=is_head and not answers))
            if answers[-1] in ("closed", SILENT):
                return tuple(answers)
        if not recorded.half_closed:
            await self.send(PROBE)
        last = await self.answer(is_head=is_head and not answers)
        return (*answers, "open" if last == "200 GET /probe 0" else last)

    async def send(self, data: bytes) -> None:
        """Send bytes, unless the other side has ended the connection."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            return

    async def answer(self, *, is_head: bool = False) -> str:
        """Return the next answer in the form in which answers are recorded."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._answer(is_head=is_head)
        except (asyncio.IncompleteReadError, ConnectionError):
            return "closed"
        except TimeoutError:
            return SILENT

    async def _answer(self, *, is_head: bool) -> str:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.rstrip().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (each.partition(": ") for each in lines)
        }
        length = 0 if is_head else int(headers.get("content-length", 0))
        said = (await self.reader.readexactly(length)).decode()
        return f"{status.split()[1]} {said}".strip()
