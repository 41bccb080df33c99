"""Small HTTP servers of the standard library for tests, in a thread, always stopped."""

from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from threading import Thread


class QuietHandler(BaseHTTPRequestHandler):
    """A handler of requests that prints nothing; a test says what it answers."""

    def read_body(self) -> bytes:
        """Return what the request has sent."""
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def answer(self, status: int, content: bytes = b"") -> None:
        """Send the whole answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is inherited.
        """Print nothing."""


@contextmanager
def served_handler(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    """Answer requests by the handler until the block ends; yield the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, serving_thread(server):
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def serving_thread(server: BaseServer) -> Generator[None]:
    """Let a server serve in a thread until the block ends."""
    thread = Thread(target=server.serve_forever, args=(0.01,), name="server of a test")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
