"""Requests that a benchmark sends to two servers in turn."""

import os
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.azure_local import ROUNDS, Asked, one_by_one, show_one_by_one
from bench.servers import Server

Seen = list[tuple[str, str]]
ASKED = Asked("/resolve", body=b"{}")


@contextmanager
def serving(name: str, seen: Seen, folder: Path, status: int = 200) -> Generator[Server]:
    """Serve an answer to each POST, and note who was asked, and with which `Pragma`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((name, self.headers.get("Pragma", "")))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base names it.
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Server(name, f"http://127.0.0.1:{server.server_port}", os.getpid(), folder)
        finally:
            server.shutdown()


def test_each_round_asks_every_server_for_an_answer_that_no_memory_has(tmp_path: Path) -> None:
    seen: Seen = []
    with ExitStack() as opened:
        servers = [opened.enter_context(serving(each, seen, tmp_path)) for each in ("a", "b")]
        assert all(each > 0 for each in one_by_one(servers, ASKED))
    assert seen[:2] == [("a", ""), ("b", "")]  # What is not in memory is read first.
    assert seen[2:] == [(name, str(sent)) for sent in range(ROUNDS) for name in ("a", "b")]


def test_a_refusal_is_not_measured(tmp_path: Path) -> None:
    with serving("a", [], tmp_path, status=503) as server, pytest.raises(AssertionError):
        one_by_one([server], ASKED)


@pytest.mark.parametrize(("cloud_ms", "is_missed"), [(6.0, False), (6.1, True)])
def test_the_bar_is_three_times_one_machine(
    cloud_ms: float,
    is_missed: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = Server("a", "", os.getpid(), tmp_path)
    monkeypatch.setattr("bench.azure_local.one_by_one", lambda *_: [2.0, cloud_ms])
    show_one_by_one(server, server, ASKED)
    assert capsys.readouterr().out.endswith(": MISSED)\n") == is_missed
