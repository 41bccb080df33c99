"""What is right and wrong with the stores in the cloud, in sentences for their operator."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta

from azure.core.exceptions import AzureError, HttpResponseError

from shared.adapters.blob.connecting import CONTAINERS as BLOB_CONTAINERS
from shared.adapters.cloud import Cloud
from shared.adapters.cosmos.containers import CONTAINERS
from shared.adapters.examination import Finding

PATIENCE = timedelta(seconds=20)  # The libraries repeat themselves for minutes.

_REACH = "Look at its address, and whether this machine may reach it."
_WAYS_OUT = {
    401: ("may not be read", "Look at the key, or at the identity that signs in."),
    403: ("may not be read", "infra/modules/roles.bicep says what the identity may do."),
    404: ("does not exist", "The templates make it: run azd up."),
}


async def examine_cloud(cloud: Cloud, patience: timedelta = PATIENCE) -> AsyncIterator[Finding]:
    """Look at every container of both stores; change nothing."""
    plans = [plan.name for plan in CONTAINERS]
    yield await _store("records", "Cosmos DB", plans, _within(patience, _records_of(cloud)))
    yield await _store(
        "blobs", "Blob Storage", BLOB_CONTAINERS, _within(patience, _blobs_of(cloud))
    )


_Ask = Callable[[str], Awaitable[object]]


async def _store(what: str, store: str, containers: Sequence[str], ask: _Ask) -> Finding:
    for name in containers:
        try:
            await ask(name)
        except (AzureError, TimeoutError) as error:
            problem, way_out = _trouble(error)
            return Finding(what, f"The container {name} of {store} {problem}.", way_out)
    return Finding(what, f"{store} has its {len(containers)} containers.")


def _trouble(error: AzureError | TimeoutError) -> tuple[str, str]:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    unanswered = (f"does not answer ({type(error).__name__})", _REACH)
    return _WAYS_OUT.get(status or 0, unanswered)


def _records_of(cloud: Cloud) -> _Ask:
    return lambda name: cloud.cosmos.proxy(name).read()


def _blobs_of(cloud: Cloud) -> _Ask:
    return lambda name: cloud.blobs.container(name).get_container_properties()


def _within(patience: timedelta, ask: _Ask) -> _Ask:
    return lambda name: asyncio.wait_for(ask(name), patience.total_seconds())
