"""Whatever one process has told somebody is what the next request reads from any other."""

from contextlib import ExitStack
from pathlib import Path

import httpx

from tests.support.archives import bala
from tests.support.registry_process import BOUND_SECONDS, running
from tests.support.storage import one_machine

pytestmark = one_machine("answers stand where the stores say that nothing was written")

WORKERS, READERS, VERSIONS = 3, 9, 8
PATHS = (
    "/2.0/maven/acme/greet/maven-metadata.xml",
    "/2.0/maven/v2201-13-0/acme/greet/maven-metadata.xml",
    "/2.0/registry/packages/acme/greet",
    "/index/acme/greet/index.json",
)


async def test_a_push_is_read_from_every_process_as_soon_as_it_is_acknowledged(
    scratch: Path,
) -> None:
    with running(scratch / "data", workers=WORKERS) as registry, ExitStack() as stack:
        # Each connection stays with the process that took it.
        clients = [
            stack.enter_context(httpx.Client(base_url=registry.url, timeout=BOUND_SECONDS))
            for _ in range(READERS)
        ]
        for number in range(VERSIONS):
            version = f"1.{number}.0"
            archive = bala(f"acme/greet:{version}")
            async with httpx.AsyncClient(timeout=BOUND_SECONDS) as http:
                await registry.java(http).send_archive("any/any:0.0.0", archive)
            for client in clients:
                for path in PATHS:
                    for _ in range(2):  # The second is given again.
                        assert version in client.get(path).text, path
