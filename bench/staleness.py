"""How long four processes in the cloud serve what was hidden: seconds of each process, under load.

The processes run over a double of Cosmos DB and Azurite, which share the cores with them and with
the load. Five seconds are promised. Each line is the slowest of some rounds.
"""

import asyncio

from bench.servers import workspace
from tests.support.staleness import CHANGES, FeedState, Processes, four_processes, measure

ROUNDS = 3


async def run(processes: Processes) -> None:
    """Print each change in each state of the change feed."""
    kinds = [(state, change) for state in FeedState for change in CHANGES]
    rounds = [kind for kind in kinds for _ in range(ROUNDS)]
    measured = [each async for each in measure(processes, rounds)]
    for at in range(0, len(measured), ROUNDS):
        print(max(measured[at : at + ROUNDS], key=lambda each: max(each.seconds)))


def main() -> None:
    with workspace() as folder, four_processes(folder) as processes:
        asyncio.run(run(processes))


if __name__ == "__main__":
    main()
