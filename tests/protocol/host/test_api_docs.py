"""Documentation appears by itself on one machine, also of what a killed process left."""

import time
from pathlib import Path

import anyio
import httpx

from tests.support.documented_packages import documented_bala
from tests.support.registry_process import Running, running
from tests.support.storage import one_machine

pytestmark = one_machine("it runs the processes of a data folder")

BOUND_SECONDS = 10.0  # It takes a fifth of a second on a machine that does nothing else.


async def listed(registry: Running, http: httpx.AsyncClient) -> int:
    """Return the number of connectors, a list that makes no documentation."""
    return (await http.get(f"{registry.base}/connectors")).json()["count"]


async def test_a_pushed_package_is_documented_within_seconds(tmp_path: Path) -> None:
    with running(tmp_path, workers=2) as registry:
        async with httpx.AsyncClient() as http:
            await registry.java(http).send_archive("acme/greet:1.0.0", documented_bala())
            began = time.monotonic()
            while not await listed(registry, http):
                assert time.monotonic() - began < BOUND_SECONDS
                await anyio.sleep(0.05)
            answer = await http.get(f"{registry.url}/2.0/docs/acme/greet/1.0.0")
            assert answer.json()["docsData"]["modules"][0]["clients"]
        assert registry.stop() == 0
