"""Device login as a machine without a browser does it."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.support.browsers import FORM, Browser
from tests.support.world import URL, World

ASK = f"{URL}/api/v1/device"
TOKEN = f"{URL}/api/v1/device/token"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
INTERVAL = timedelta(seconds=5)
MACHINE = "198.51.100.7"


async def ask(world: World, client: str = "kim's laptop", scope: str = "") -> dict[str, Any]:
    """Ask for codes as a machine."""
    headers = {**FORM, "User-Agent": "ballroom-login", "X-Forwarded-For": MACHINE}
    body = urlencode({"client_id": client, "scope": scope}).encode()
    answer = await world.send("POST", ASK, headers=headers, content=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def poll(world: World, codes: dict[str, Any], **changes: str) -> httpx.Response:
    """Ask for the token once, after the interval."""
    world.clock.advance(INTERVAL)
    return await poll_at_once(world, codes, **changes)


async def poll_at_once(world: World, codes: dict[str, Any], **changes: str) -> httpx.Response:
    fields = {"grant_type": GRANT_TYPE, "device_code": codes["device_code"], **changes}
    return await world.send("POST", TOKEN, headers=FORM, content=urlencode(fields).encode())


async def decide(browser: Browser, codes: dict[str, Any], decision: str) -> httpx.Response:
    """Type the code of the machine in, and approve or refuse what the page shows."""
    await browser.open("/device")
    await browser.submit("/device", code=codes["user_code"])
    return await browser.submit("/device", decision=decision)


def error(answer: httpx.Response) -> str:
    """Return the word of the RFC."""
    assert answer.status_code == 400
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["error_description"].endswith(".")
    return answer.json()["error"]
