"""The memory of a mirror that fetches many large archives at once: before, at most, and afterwards.

24 clients pull as many archives of 60 MiB of an upstream at the same time, twice. Afterwards the
process has to be within 40 MB of where it was.
"""

import asyncio
import sys
from pathlib import Path

import httpx

from bench.servers import Server, ballroom, workspace
from tests.support.upstreams import FakeUpstream

ARCHIVES, ARCHIVE_BYTES, ROUNDS = 24, 60 * 1024 * 1024, 2
MOST_MORE_MB = 40
PULL = {"Accept": "application/octet-stream"}
_KIB_OF_A_MB = 1_000


def main() -> None:
    upstream = FakeUpstream()
    for number in range(ARCHIVES * ROUNDS):
        upstream.publish(f"ballerina/large{number}:1.0.0", padding=ARCHIVE_BYTES)
    with (
        workspace() as folder,
        upstream.serving(),
        ballroom(folder, upstream=upstream.url, limit_mirror="") as server,
    ):
        before, most, after, statuses = asyncio.run(measure(server))
    print(f"answers: {statuses}")
    print(f"before {before:.0f} MB, at most {most:.0f} MB, afterwards {after:.0f} MB")
    if after - before > MOST_MORE_MB:
        sys.exit(f"It kept more than {MOST_MORE_MB} MB.")


async def measure(server: Server) -> tuple[float, float, float, dict[int, int]]:
    async with httpx.AsyncClient(timeout=120, trust_env=False) as client:
        await client.get(f"{server.url}/2.0/registry/packages/ballerina/none")
        before, most, statuses = memory_mb(server.pid), 0.0, dict[int, int]()
        for turn in range(ROUNDS):
            pulls = [
                asyncio.create_task(pull(client, server, turn * ARCHIVES + each))
                for each in range(ARCHIVES)
            ]
            while not all(each.done() for each in pulls):
                most = max(most, memory_mb(server.pid))
                await asyncio.sleep(0.02)
            for each in pulls:
                statuses[each.result()] = statuses.get(each.result(), 0) + 1
        await asyncio.sleep(2)
        return before, most, memory_mb(server.pid), statuses


async def pull(client: httpx.AsyncClient, server: Server, number: int) -> int:
    path = f"/2.0/registry/packages/ballerina/large{number}/1.0.0"
    return (await client.get(f"{server.url}{path}", headers=PULL)).status_code


def memory_mb(pid: int) -> float:
    """Return the memory of the process and its children that is no page of a file."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    kib = 0
    for each in (str(pid), *children):
        status = Path(f"/proc/{each}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("RssAnon:")]
        kib += int(line.split()[1])
    return kib / _KIB_OF_A_MB


if __name__ == "__main__":
    main()
