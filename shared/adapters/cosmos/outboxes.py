"""Records in Cosmos DB whose events wait to be appended to the feed."""

from operator import itemgetter

from shared.adapters.cosmos.client import CosmosContainer, Item

# After an outage a hundred thousand records may wait, of up to 16 KiB, and they are processed in
# batches: each batch reads about as many records as it processes, instead of all.
LEAST_RECORDS_READ = 200


async def waiting_records(container: CosmosContainer, count: int) -> list[Item]:
    """Return up to `count` records whose outbox is not empty, oldest first; the oldest of all if no
    more than `LEAST_RECORDS_READ` wait in a physical partition."""
    found = await container.query(
        "SELECT * FROM c WHERE c.waiting > 0", most=max(count, LEAST_RECORDS_READ)
    )
    return sorted(found, key=itemgetter("waiting"))[:count]
