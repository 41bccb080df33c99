"""`ballroom health` asks the registry where it listens."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from shared.command_line import ballroom
from shared.hosting.http_server.server import bind
from shared.hosting.triggers import StartRefused
from tests.support.server import served_app


async def ready(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ready")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "0.0.0.0", "localhost"])  # noqa: S104 - as operators set it.
def test_health_asks_the_address_that_the_registry_listens_on(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        bound = bind(host, 0)
    except StartRefused:
        pytest.skip(f"this machine has no address {host}")
    monkeypatch.setenv("BALLROOM_DATA", str(tmp_path))
    monkeypatch.setenv("BALLROOM_HOST", host)
    monkeypatch.setenv("BALLROOM_URL", "https://registry.example.org")
    app = Starlette(routes=[Route("/health/ready", ready)])
    with served_app(app, at=bound) as served:
        monkeypatch.setenv("PORT", str(served.port))
        result = CliRunner().invoke(ballroom, ["health"])
    assert (result.exit_code, result.output) == (0, "The registry is ready.\n")
