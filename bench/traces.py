"""Traces: the processor time of a request without traces, with a share of 0.05 and with all.

One process serves, without a server or a connection, and exports to a double of Application
Insights in another process. The time includes that of the thread that exports, and a share is not
bounded by `TRACES_A_SECOND`. Metrics are on in every row, as they are wherever traces are. Shares
take turns, and a part is the median of the rounds, each beside the round without traces of its
turn, so that what else the machine does falls on both.

Limit: a share of 0.05 takes at most 5 percent more than no traces.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from opentelemetry.sdk.trace.export import BatchSpanProcessor

from bench.support.requested import Requested
from shared.hosting.host import Host
from shared.telemetry.activities import set_traces
from shared.telemetry.azure_metrics import azure_monitor_backend
from shared.telemetry.metrics import set_backend
from shared.telemetry.spans import SpanExporter, insights_exporter
from shared.telemetry.traces import Traces
from tests.paths import ROOT
from tests.protocol.bal.okhttp import FORM, multipart
from tests.security.limits import UNREACHED_LIMITS
from tests.support.archives import bala
from tests.support.world import asking, opened, settled
from tests.unit.shared.hosting.asgi import ask, scope

SHARES = (0.0, 0.05, 1.0)
MEASURED_SHARE = 0.05
MOST = 1.05
WARM = 100  # Requests before the first round.
ROUNDS = 31
UNBOUND = 1_000_000
NOT_TRACED = 0.0

INGESTION = """
from tests.support.ingestion import ingesting
with ingesting() as server:
    print(server.connection, flush=True)
    input()
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ingestion() as connection:
        metrics = azure_monitor_backend(connection)
        set_backend(metrics)
        worst = asyncio.run(measure(Path(folder), connection))
        metrics.close()
    print(f"A share of {MEASURED_SHARE} takes at most {worst:.3f} of no traces (limit {MOST})")
    sys.exit(worst > MOST)


@contextmanager
def ingestion() -> Generator[str]:
    """Take what is exported in another process; yield its connection string."""
    command = [sys.executable, "-c", INGESTION]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.communicate("\n")


async def measure(folder: Path, connection: str) -> float:
    """Print the rows; return the largest part of a share by no traces."""
    people = await settled(folder)
    worst = 0.0
    async with opened(folder, people, **UNREACHED_LIMITS) as world:
        await world.push(bala("acme/greet:1.0.0"))
        host = asking(world.registry)
        print(f"{'':<22}{'':>9}" + "".join(f"{share:>9}" for share in SHARES) + "  share of traces")
        for name, (number, request) in requests(people.ann.token).items():
            exporters = {share: _exporter(connection) for share in SHARES}
            found, parts = await _row(host, exporters, number, request)
            shown = "".join(f"{found[share]:>9.3f}" for share in SHARES)
            print(f"{name:<22}{'ms':>9}{shown}")
            print(f"{'':<22}{'part':>9}" + "".join(f"{parts[share]:>9.3f}" for share in SHARES))
            worst = max(worst, parts[MEASURED_SHARE])
    return worst


def requests(token: str) -> Mapping[str, tuple[int, Callable[[int], Requested]]]:
    """Return how many requests a round has, and what makes each of its number."""
    bearer = {"Authorization": f"Bearer {token}"}

    def push(number: int) -> Requested:
        body = multipart("greet.bala", bala(f"acme/greet:1.1.{number}"))
        return Requested("/2.0/registry/packages", {**FORM, **bearer, **_length(body)}, body)

    return {
        "metadata": (300, lambda _: Requested("/2.0/registry/packages/acme/greet/1.0.0")),
        "package page": (40, lambda _: Requested("/packages/acme/greet")),
        "push": (15, push),
    }


def _length(body: bytes) -> dict[str, str]:
    return {"Content-Length": str(len(body))}


def _exporter(connection: str) -> SpanExporter:
    """Return an exporter that sends its spans when it is flushed, and not before."""
    processor = BatchSpanProcessor(
        insights_exporter(connection),
        max_queue_size=UNBOUND,
        max_export_batch_size=UNBOUND,
        schedule_delay_millis=3_600_000,
    )
    return SpanExporter(processor, {"": "sqlite", "archives": "files"})


async def _row(
    host: Host,
    exporters: Mapping[float, SpanExporter],
    number: int,
    request: Callable[[int], Requested],
) -> tuple[Mapping[float, float], Mapping[float, float]]:
    """Return the milliseconds of a request for each share, with a part of what the export takes,
    and what part they are of those without traces."""
    made = iter(range(UNBOUND))
    times: dict[float, list[float]] = {share: [] for share in SHARES}
    await _round(host, [request(next(made)) for _ in range(min(WARM, number))])
    for turn in range(ROUNDS):
        # Each push makes the next one dearer, so no share is always the first.
        for share in (*SHARES[turn % 3 :], *SHARES[: turn % 3]):
            sent = [request(next(made)) for _ in range(number)]
            set_traces(_traces(share, exporters[share]))
            began = time.process_time()
            await _round(host, sent)
            times[share].append(1_000 * (time.process_time() - began) / number)
            set_traces(None)
    exported = {share: _export(exporters[share]) / (ROUNDS * number) for share in SHARES}
    whole = {share: [each + exported[share] for each in times[share]] for share in SHARES}
    untraced = times[NOT_TRACED]
    parts = {
        share: statistics.median(each / other for each, other in zip(found, untraced, strict=True))
        for share, found in whole.items()
    }
    return {share: statistics.median(found) for share, found in whole.items()}, parts


def _export(exporter: SpanExporter) -> float:
    """Return the milliseconds of exporting what was kept, of which a process sends a part each five
    seconds."""
    began = time.process_time()
    exporter.close()
    return 1_000 * (time.process_time() - began)


def _traces(share: float, exporter: SpanExporter) -> Traces | None:
    if share == NOT_TRACED:
        return None
    traces = Traces(share, lambda: exporter, a_second=UNBOUND)
    traces.load()
    return traces


async def _round(host: Host, sent: list[Requested]) -> None:
    for each in sent:
        method = "POST" if each.body else "GET"
        answer = await ask(host, scope(method, each.path, each.headers), each.body)
        assert answer.status in (200, 204), (each.path, answer.status, answer.body[:200])


if __name__ == "__main__":
    main()
