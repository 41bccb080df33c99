"""A mirror of an upstream that takes 500 ms for each request and sends 20 MB a second.

Prints the processor time of a pull of what is stored, of ours and mirrored; the seconds of
a first pull, from the upstream and through the mirror; and how often the upstream is asked by 50
simultaneous first pulls, and by 50 pulls of a name that nobody has.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncGenerator

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bench.support.processor_time import processor_seconds
from bench.support.servers import Server, ballroom, push, workspace
from tests.support.archives import bala
from tests.support.upstreams import BASE, FakeUpstream

SECONDS_A_REQUEST = 0.5
BYTES_A_SECOND = 20_000_000
PIECE_BYTES = 200_000
SIZES = {"small": 0, "1 MB": 1_000_000, "10 MB": 10_000_000}
ROUNDS = 6
PULLS = 300
AT_ONCE = 50
MOST_SLOWER = 1.2
PULL = {"Accept": "application/octet-stream"}
OURS = "acme/ours/1.0.0"
THEIRS = "ballerina/theirs/1.0.0"


def main() -> None:
    upstream = FakeUpstream()
    upstream.publish("ballerina/theirs:1.0.0")
    upstream.publish("ballerina/many:1.0.0", padding=1_000_000)
    for name, size in SIZES.items():
        for number in range(ROUNDS // 2):
            upstream.publish(f"ballerina/cold{name.replace(' ', '')}{number}:1.0.0", padding=size)
    slow_down(upstream)
    with (
        workspace() as folder,
        upstream.serving(),
        ballroom(folder, upstream=upstream.url, limit_mirror="") as server,
    ):
        held = asyncio.run(measure(server, upstream))
    if not held:
        sys.exit("A limit does not hold.")


def slow_down(upstream: FakeUpstream) -> None:
    async def wait(_request: Request) -> None:
        await asyncio.sleep(SECONDS_A_REQUEST)

    async def send(request: Request) -> Response:
        await asyncio.sleep(SECONDS_A_REQUEST)
        content = upstream.archives[request.query_params["of"]]
        length = {"Content-Length": str(len(content))}
        return StreamingResponse(paced(content), headers=length)

    for kind in ("pull", "package", "versions"):
        upstream.behave[kind] = wait
    upstream.behave["file"] = send


async def paced(content: bytes) -> AsyncGenerator[bytes]:
    """Yield the content as fast as the upstream sends."""
    began = time.monotonic()
    for at in range(0, len(content), PIECE_BYTES):
        yield content[at : at + PIECE_BYTES]
        ahead = (at + PIECE_BYTES) / BYTES_A_SECOND - (time.monotonic() - began)
        await asyncio.sleep(max(ahead, 0))


async def measure(server: Server, upstream: FakeUpstream) -> bool:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        held = await cold(client, server, upstream)
        await stored(client, server)
        held &= await simultaneous(client, server, upstream)
        held &= await missing(client, server, upstream)
    return held


async def pull(client: httpx.AsyncClient, base: str, path: str) -> int:
    """Pull by both hops; return the size of the archive."""
    hop = await client.get(f"{base}{BASE}/packages/{path}", headers=PULL)
    answer = await client.get(hop.headers["location"])
    answer.raise_for_status()
    return len(answer.content)


async def cold(client: httpx.AsyncClient, server: Server, upstream: FakeUpstream) -> bool:
    held = True
    for name in SIZES:
        direct = list[float]()
        through = list[float]()
        for number in range(ROUNDS // 2):
            path = f"ballerina/cold{name.replace(' ', '')}{number}/1.0.0"
            for base, seconds in ((upstream.url, direct), (server.url, through)):
                began = time.perf_counter()
                await pull(client, base, path)
                seconds.append(time.perf_counter() - began)
        best = min(direct)
        slower = min(through)
        held &= slower <= MOST_SLOWER * best
        print(
            f"first pull, {name}: upstream {best:.2f} s, mirror {slower:.2f} s, {slower / best:.2f}"
        )
    return held


async def stored(client: httpx.AsyncClient, server: Server) -> None:
    with httpx.Client(timeout=60) as pusher:
        push(server, pusher, bala("acme/ours:1.0.0"))
    costs: dict[str, list[float]] = {OURS: [], THEIRS: []}
    for path in costs:
        await pull(client, server.url, path)
    for _ in range(ROUNDS):
        for path, measured in costs.items():
            before = processor_seconds(server.pid)
            for _ in range(PULLS):
                await pull(client, server.url, path)
            measured.append((processor_seconds(server.pid) - before) / PULLS)
    ours, theirs = (statistics.median(each) * 1e6 for each in costs.values())
    print(f"stored pull, both hops: ours {ours:.0f} µs, mirrored {theirs:.0f} µs of processor time")


async def simultaneous(client: httpx.AsyncClient, server: Server, upstream: FakeUpstream) -> bool:
    upstream.asked.clear()
    pulls = (pull(client, server.url, "ballerina/many/1.0.0") for _ in range(AT_ONCE))
    await asyncio.gather(*pulls)
    print(f"{AT_ONCE} simultaneous first pulls ask the upstream: {dict(upstream.asked)}")
    return max(upstream.asked.values()) == 1


async def missing(client: httpx.AsyncClient, server: Server, upstream: FakeUpstream) -> bool:
    upstream.asked.clear()
    url = f"{server.url}{BASE}/packages/ballerina/nobody/1.0.0"
    for _ in range(AT_ONCE):
        assert (await client.get(url, headers=PULL)).status_code == 404
    print(f"{AT_ONCE} pulls of a missing release ask the upstream: {dict(upstream.asked)}")
    return max(upstream.asked.values()) == 1


if __name__ == "__main__":
    main()
