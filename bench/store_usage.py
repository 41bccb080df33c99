"""The usage of the stores in the cloud by each kind of request, as in infra/cost/usage.py.

Counted, not timed: on the double of Cosmos DB with its model of request units, and on an emulator
of Blob Storage. The numbers are the same on every machine.
"""

import asyncio
import tempfile
from pathlib import Path

from infra.cost.usage import Usage
from tests.support.store_usage import Counted, counted

FIELDS = ("units", "records", "blob_reads", "blob_writes", "answer_bytes")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ballroom-bench-") as folder:
        found = asyncio.run(counted(Path(folder)))
    print(f"{'':32}{''.join(f'{name:>14}' for name in FIELDS)}")
    for use, usage in found.uses.items():
        show(use.value, usage)
    show_upkeep(found)
    print(f"a release at rest: {found.stored}")
    for kind, size in sorted(found.items.items()):
        print(f"item {kind}: {size:,.0f} bytes")


def show_upkeep(found: Counted) -> None:
    """Print the usage by maintenance tasks, idle and for each release, and by counting pulls."""
    for task, usage in found.idle.items():
        show(f"{task}, idle", usage)
    for task, usage in found.each_release.items():
        show(f"{task}, each release", usage)
    show("push, each who follows", found.each_followed)
    show("pulls, each batch", found.each_window)
    show("pulls, each package in a day", found.each_pulled)


def show(name: str, usage: Usage) -> None:
    print(f"{name:32}{''.join(f'{getattr(usage, field):14.2f}' for field in FIELDS)}")


if __name__ == "__main__":
    main()
