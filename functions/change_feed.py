"""The Cosmos DB change feed brings changed records to the copies that a CDN reads while the
registry does not answer."""

import azure.functions as func

from functions.http.calls import declare_context, traceparent_of
from shared.composition import Registry
from shared.log import Activity, SpanOrigin, log
from shared.services.packages.public_copies import PublicCopies

# The app settings COSMOS__accountEndpoint, COSMOS__credential and COSMOS__clientId.
CONNECTION = "COSMOS"
DATABASE = "ballroom"
CONTAINER = "packages"
LEASES = "leases"

POLL_MS = 5_000
MAX_ITEMS = 500  # A push changes about five.


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the change feed, if a CDN reads copies."""
    bp = func.Blueprint()
    if registry.packages.public_copies is not None:
        _add_feed(bp, registry.packages.public_copies)
    return bp


def _add_feed(bp: func.Blueprint, copies: PublicCopies) -> None:
    async def feed_listings(
        documents: func.DocumentList, context: func.Context | None = None
    ) -> None:
        origin = SpanOrigin.SERVED if context is None else SpanOrigin.HOSTED
        activity = Activity.begin("feed.listings", origin, traceparent_of(context, ""))
        result = "failed"
        try:
            items: list[dict[str, object]] = list(map(dict, documents))
            copied = await copies.follow(items)
            result = "done"
            if copied:
                log.info("feed.copied", items=len(documents), copied=copied)
        finally:
            activity.end({"result": result})

    triggered = bp.cosmos_db_trigger(
        arg_name="documents",
        connection=CONNECTION,
        database_name=DATABASE,
        container_name=CONTAINER,
        lease_container_name=LEASES,
        create_lease_container_if_not_exists=False,  # The app has no right to create it.
        feed_poll_delay=POLL_MS,
        max_items_per_invocation=MAX_ITEMS,
    )(declare_context(feed_listings))
    # Without a retry policy the host would skip a batch that failed.
    bp.retry(
        strategy="exponential_backoff",
        max_retry_count="-1",
        minimum_interval="00:00:02",
        maximum_interval="00:01:00",
    )(triggered)
    bp.function_name("feed_listings")(triggered)
