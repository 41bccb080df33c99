"""Application Insights as far as exporters see it: takes telemetry, and keeps it for tests."""

import gzip
import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any

from tests.support.served_handlers import QuietHandler, serving_thread

KEY = "00000000-0000-0000-0000-000000000001"


class Ingestion(ThreadingHTTPServer):
    """Takes telemetry as Application Insights does, and keeps it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.paths: set[str] = set()
        self.items: list[dict[str, Any]] = []

    @property
    def connection(self) -> str:
        address = f"http://127.0.0.1:{self.server_port}/"
        return f"InstrumentationKey={KEY};IngestionEndpoint={address};LiveEndpoint={address}"

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of the items of a kind."""
        found = [each["data"] for each in self.items]
        return [each["baseData"] for each in found if each["baseType"] == kind]


class _Taking(QuietHandler):
    def do_POST(self) -> None:
        """Take what is sent."""
        assert isinstance(self.server, Ingestion)
        body = self.read_body()
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        whole = body.startswith(b"[")
        items = json.loads(body) if whole else [json.loads(line) for line in body.splitlines()]
        self.server.paths.add(self.path)
        self.server.items += items
        taken = {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}
        self.answer(200, json.dumps(taken).encode())


@contextmanager
def ingesting() -> Generator[Ingestion]:
    """Serve it until the block ends."""
    with Ingestion() as server, serving_thread(server):
        yield server
