"""Archive placement and the second hop of a pull: which container holds the bytes, who sends them.

Archives of public packages are in the public container, private and withheld ones in the private
container. A classic `bal` client repeats its `Authorization` on the second hop, and Blob Storage
refuses a request with credentials that it cannot use. So the route depends on the client.
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import Enum

from msgspec import Struct

from shared.domain.archives.names import ArchiveName
from shared.domain.packages import Head, Readers, Release, Visibility
from shared.domain.records import Event

ARCHIVE_TYPE = "application/octet-stream"


def content_disposition(file: str) -> str:
    """Return the header by which clients save an archive under the name `file`."""
    return f"attachment; filename={file}"


LIFETIMES_REPEATED = 6  # A link is repeated for this part of its life, so that most of it is left.


class StoreLink(Struct, frozen=True):
    """A link of the store itself to an archive."""

    url: str
    # Of the monotonic clock: how long everybody gets the same link; 0 if it is for one caller.
    repeated_until_ms: float = 0


class LinkedArchive(Struct, frozen=True):
    """An archive in a container, and the name to save it by: a link of the store leads to it."""

    name: ArchiveName
    container: Visibility
    file: str


class DeliveryRoute(Enum):
    """Who sends the bytes."""

    REGISTRY = "the registry"  # `/archives/…`: looks at the records first, ignores `Authorization`.
    CDN = "the CDN"  # The same path at a CDN before the registry, or before Blob Storage.
    STORE = "Blob Storage"  # By a signed URL that is valid for minutes.


class ClientKind(Enum):
    """How the client asked, and will ask there."""

    WITHOUT_AUTHORIZATION = "without `Authorization`"
    WITH_AUTHORIZATION = "with `Authorization`"


class Cdn(Enum):
    """Whether there is a CDN, and what it does with the header `Authorization`."""

    NONE = "none"  # There is no CDN.
    STRIPPING = "strips it"
    READING_BLOBS = "sends its own"  # It reads the public container of Blob Storage.


def second_hop(
    client: ClientKind, container: Visibility, cdn: Cdn, *, is_linked: bool
) -> DeliveryRoute:
    """Return who sends the archive to the client after the redirect. `is_linked` says whether Blob
    Storage has it, which it never does on one machine."""
    is_plain = client is ClientKind.WITHOUT_AUTHORIZATION
    has_archive = is_linked if cdn is Cdn.READING_BLOBS else True
    if container is Visibility.PUBLIC and cdn is not Cdn.NONE and has_archive:
        return DeliveryRoute.CDN
    return DeliveryRoute.STORE if is_linked and is_plain else DeliveryRoute.REGISTRY


# A push that is concurrent with a change of its package may use the old container. The nightly
# sweep moves such archives.
PLACEMENT_SETTLED_AFTER = timedelta(days=2)

_DECIDING = {"visibility", "state"}  # Fields of heads and releases.


def changes_placement(outbox: Iterable[Event]) -> bool:
    """Check whether a pending change may move archives."""
    return any(not _DECIDING.isdisjoint(event.details) for event in outbox)


def is_placement_settled(head: Head, release: Release, readers: Readers, *, now_ms: int) -> bool:
    """Check that the archive can only be in the container where it belongs."""
    if head.placed_for is not readers or changes_placement((*head.outbox, *release.outbox)):
        return False
    age = timedelta(milliseconds=now_ms - (head.changed_ms or 0))
    return head.changed_ms is None or age >= PLACEMENT_SETTLED_AFTER
