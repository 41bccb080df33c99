"""Application Insights as far as exporters see it: takes telemetry, and keeps it for tests."""

import gzip
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take what is sent."""
        assert isinstance(self.server, Ingestion)
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        whole = body.startswith(b"[")
        items = json.loads(body) if whole else [json.loads(line) for line in body.splitlines()]
        self.server.paths.add(self.path)
        self.server.items += items
        taken = {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}
        answer = json.dumps(taken).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there.
        """Say nothing."""


@contextmanager
def ingesting() -> Generator[Ingestion]:
    """Serve it until the block ends."""
    server = Ingestion()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
