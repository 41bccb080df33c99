"""One client of Blob Storage per process, opened when it is first used; the library retries."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from shared.domain.errors.requests import Busy

BLOB_CLIENT_OPTIONS: dict[str, Any] = {
    # The transport warns about larger blocks: it blocks the event loop while it sends one.
    "max_single_put_size": 1024 * 1024,
    "max_block_size": 1024 * 1024,
    # Three retries, each after at most two seconds; the default would wait 57 seconds.
    "initial_backoff": 0,
    "increment_base": 1,
    "random_jitter_range": 1,
    "retry_total": 3,
    "connection_timeout": 5,
    "read_timeout": 20,
}

# The last three hold copies for a CDN, which finds them by the first part of a path.
COPY_CONTAINERS = ("index", "maven", "health")
BLOB_CONTAINERS = ("archives", "private", "derived", "uploads", "backups", *COPY_CONTAINERS)

# Errors that adapters handle; all others mean that the store is unavailable.
_DECIDED = (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError)
RANGE_BEHIND_THE_END = 416


@dataclass
class BlobContainers:
    """The containers of one account."""

    connect: Callable[[], BlobServiceClient]
    prefix: str = ""  # Of container names, where registries share an account.
    _client: BlobServiceClient | None = None
    _containers: dict[str, ContainerClient] = field(default_factory=dict[str, ContainerClient])

    def container(self, name: str) -> ContainerClient:
        """Return the client of a container, without a request."""
        if name not in self._containers:
            made = self.service().get_container_client(f"{self.prefix}{name}")
            self._containers[name] = made
        return self._containers[name]

    def service(self) -> BlobServiceClient:
        """Return the client of the account, without a request."""
        self._client = self._client or self.connect()
        return self._client

    async def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        client, self._client = self._client, None
        self._containers.clear()
        if client is not None:
            await client.close()


@contextmanager
def translate_blob_errors() -> Generator[None]:
    """Raise `Busy` for errors that say nothing about the request, such as 500 and time-outs."""
    try:
        yield
    except _DECIDED:
        raise
    except ClientAuthenticationError:
        raise  # A mistake in the configuration, which no retry corrects.
    except HttpResponseError as failed:
        if failed.status_code == RANGE_BEHIND_THE_END:
            raise
        raise Busy from failed
    except (ServiceRequestError, ServiceResponseError) as failed:
        raise Busy from failed
