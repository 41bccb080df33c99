"""Costs of requests: what anonymous callers can make the serving process do, whatever was pushed.

The worst archives of the tests at full scale are published, and their documentation is made. Then
every route that answers with what was pushed is asked for in each of its forms, each archive for
the first time. The ten dearest are printed, by processor time and by memory, beside the limits.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.world import make_template
from tests.support.worst_archives import worst_archives
from tests.support.worst_requests import MOST_BYTES, MOST_SECONDS, Cost, Walk

SHOWN = 10


def main() -> None:
    with TemporaryDirectory(prefix="ballroom-", ignore_cleanup_errors=True) as folder:
        template = make_template(Path(folder) / "template")
        costs = asyncio.run(measured(Walk(template, Path(folder))))
    print(f"\n{len(costs):,} requests")
    limits = f"limits {MOST_SECONDS * 1000:.0f} ms and {MOST_BYTES >> 20} MiB"
    show(f"The most processor time; {limits}", sorted(costs, key=lambda each: -each.seconds))
    show(f"The most memory; {limits}", sorted(costs, key=lambda each: -each.memory_bytes))
    print(f"\nload average {os.getloadavg()[0]:.1f}")
    sys.exit(any(each.is_too_much for each in costs))


async def measured(walk: Walk) -> list[Cost]:
    """Return the costs of all requests; one package after the other, as there is much of each."""
    archives = worst_archives()
    costs = list[Cost]()
    for name in dict.fromkeys(each.name for each in archives):
        print(f"{name} …", flush=True)
        chosen = [each for each in archives if each.name == name]
        costs += await walk.over(chosen)
    return costs


def show(title: str, costs: Sequence[Cost]) -> None:
    """Print the dearest of some requests."""
    print(f"\n{title}")
    for each in costs[:SHOWN]:
        print(f"  {each}")


if __name__ == "__main__":
    main()
