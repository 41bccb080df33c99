"""What is right and wrong with the stores in the cloud, in sentences for their operator."""

from collections.abc import AsyncIterator

from azure.core.exceptions import AzureError, ClientAuthenticationError, ResourceNotFoundError

from shared.adapters.blob.connecting import CONTAINERS as BLOB_CONTAINERS
from shared.adapters.cloud import Cloud
from shared.adapters.cosmos.containers import CONTAINERS
from shared.adapters.examination import Finding

_DEPLOY = "The templates make it: run azd up."
_ROLES = "infra/modules/roles.bicep says what the identity of the app may do; a role takes minutes."
_REACH = "Look at its address, and whether this machine may reach it."


async def examine_cloud(cloud: Cloud) -> AsyncIterator[Finding]:
    """Look at every container of both stores; change nothing."""
    yield await _cosmos(cloud)
    yield await _blobs(cloud)


async def _cosmos(cloud: Cloud) -> Finding:
    what, name = "records", ""
    try:
        for name in (plan.name for plan in CONTAINERS):
            await cloud.cosmos.proxy(name).read()
    except AzureError as error:
        return _finding(what, f"container {name} of Cosmos DB", error)
    return Finding(what, f"Cosmos DB has its {len(CONTAINERS)} containers.")


async def _blobs(cloud: Cloud) -> Finding:
    what, name = "blobs", ""
    try:
        for name in BLOB_CONTAINERS:
            await cloud.blobs.container(name).get_container_properties()
    except AzureError as error:
        return _finding(what, f"container {name} of Blob Storage", error)
    return Finding(what, f"Blob Storage has its {len(BLOB_CONTAINERS)} containers.")


def _finding(what: str, place: str, error: AzureError) -> Finding:
    if isinstance(error, ResourceNotFoundError):
        return Finding(what, f"The {place} does not exist.", _DEPLOY)
    if isinstance(error, ClientAuthenticationError):
        return Finding(what, f"The {place} may not be read.", _ROLES)
    return Finding(what, f"The {place} does not answer ({type(error).__name__}).", _REACH)
