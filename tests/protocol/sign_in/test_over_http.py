"""Signing in on a laptop: registry and provider on ports of this machine, nothing in between."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from functions.faces import build_app
from shared.bootstrap.build import build_registry
from shared.bootstrap.migration import migrate
from shared.hosting.host import Host
from shared.hosting.http_server.server import bind
from shared.registry import Registry
from shared.settings import Settings
from tests.fakes.identity_provider import CLIENT_ID, CLIENT_SECRET, Issuer
from tests.support.server import served_app


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[str]:
    """Return the address of a registry whose provider is on this machine too."""
    at_issuer = bind("127.0.0.1", 0)
    at_registry = bind("127.0.0.1", 0)
    issuer = Issuer(f"http://127.0.0.1:{at_issuer.getsockname()[1]}")
    settings = Settings.model_validate(
        {
            "data": tmp_path,
            "url": f"http://127.0.0.1:{at_registry.getsockname()[1]}",
            "inside_hosts": issuer.url.removeprefix("http://"),
            "oidc_issuer": issuer.url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
            "github_client_id": CLIENT_ID,
            "github_client_secret": CLIENT_SECRET,
            "github_url": issuer.url,
        }
    )
    migrate(settings)
    registry = build_registry(settings)
    with (
        served_app(issuer.app, at=at_issuer),
        served_app(Host(build_app(registry)), at=at_registry),
    ):
        yield settings.base_url
    asyncio.run(closed(registry))


async def closed(registry: Registry) -> None:
    """Let go of the stores."""
    await registry.close()


@pytest.mark.parametrize("kind", ["oidc", "github"])
def test_a_person_signs_in_with_a_provider_and_out_again(laptop: str, kind: str) -> None:
    with httpx.Client(base_url=laptop, follow_redirects=True) as browser:
        page = browser.get(f"/sign-in/{kind}?to=/account/tokens")
        assert (page.status_code, page.url.path) == (200, "/account/tokens")
        cookies = {each.name: each for each in browser.cookies.jar}
        assert set(cookies) == {"ballroom-local", "ballroom-browser-local", "ballroom-device-local"}
        assert all(each.has_nonstandard_attr("HttpOnly") for each in cookies.values())
        [csrf] = set(re.findall(r'name="csrf" value="([^"]*)"', page.text))
        left = browser.post("/sign-out", data={"csrf": csrf})
        assert (left.status_code, left.url.path) == (200, "/sign-in")
        assert browser.get("/account").status_code == 401
