"""An app with an invalid setting names the setting on every route, and not its value."""

import subprocess
import sys

import httpx
import pytest

from functions.faces import invalid_settings_app
from shared.hosting.host import Host
from tests.paths import ROOT

VALUE = "@Microsoft.KeyVault(SecretUri=https://kv.example.org/secrets/link-key)"
START = """
import function_app
print([each.get_function_name() for each in function_app.app.get_functions()])
"""


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/health/ready"), ("GET", "/"), ("POST", "/2.0/registry/packages"), ("HEAD", "/x/y")],
)
async def test_every_route_says_which_setting_it_is(method: str, path: str) -> None:
    app = httpx.ASGITransport(Host(invalid_settings_app("BALLROOM_LINK_KEY")))
    async with httpx.AsyncClient(transport=app, base_url="https://registry.test") as client:
        answer = await client.request(method, path)
    assert answer.status_code == 503
    assert answer.headers["cache-control"] == "no-store"
    if method != "HEAD":
        assert "its setting BALLROOM_LINK_KEY cannot be used" in answer.json()["message"]


def test_the_app_starts_and_logs_the_reason_without_the_value() -> None:
    started = subprocess.run(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env={"BALLROOM_LINK_KEY": VALUE},
        capture_output=True,
        text=True,
        check=True,
    )
    assert started.stdout.splitlines()[-1] == "['refused_settings']"
    shown = started.stdout + started.stderr
    assert "BALLROOM_LINK_KEY cannot be used: it is a reference to a secret" in shown
    assert "kv.example.org" not in shown
