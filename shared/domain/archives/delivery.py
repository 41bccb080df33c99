"""Archive placement and the second hop of a pull: which container holds the bytes, who sends them.

Archives of public packages are in the public container, private and withheld ones in the private
container. A classic `bal` client repeats its `Authorization` on the second hop, and Blob Storage
refuses a request with credentials that it cannot use. So the route depends on the client. Where it
can be Blob Storage, no byte passes the app, whose host holds whole answers in memory.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from enum import Enum

from msgspec import Struct

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.names import ArchiveName
from shared.domain.events import Event
from shared.domain.packages import Head, Release
from shared.domain.visibility import Readers

# A quarantine reaches shared caches within five minutes.
ARCHIVE_CACHE_PUBLIC = "public, max-age=300"

ARCHIVE_TYPE = "application/octet-stream"


def content_disposition(file: str) -> str:
    """Return the header by which clients save an archive under the name `file`."""
    return f"attachment; filename={file}"


# A link is cached for a sixth of its lifetime, so that most of it is left.
LINK_CACHE_DIVISOR = 6


class StoreLink(Struct, frozen=True):
    """A link of the store itself to an archive."""

    url: str
    # Until when every caller gets the same link, by the monotonic clock; 0 if it is for one caller.
    cacheable_until_ms: float = 0


class LinkedArchive(Struct, frozen=True):
    """An archive in a container, and the name to save it by: a link of the store leads to it."""

    name: ArchiveName
    container: ArchiveContainer
    file: str


class DeliveryRoute(Enum):
    """Who sends the bytes."""

    REGISTRY = "the registry"  # `/archives/…`: looks at the records first, ignores `Authorization`.
    CDN = "the CDN"  # The same path at a CDN before the registry, or before Blob Storage.
    STORE = "Blob Storage"  # By a signed URL that is valid for minutes.


class ClientKind(Enum):
    """How the client will ask the host that the redirect names."""

    WITHOUT_AUTHORIZATION = "without `Authorization`"
    WITH_AUTHORIZATION = "with `Authorization`"


class PullProtocol(Enum):
    """The protocol of the request that is redirected."""

    CENTRAL = "Central"
    MAVEN = "Maven"


def client_kind(protocol: PullProtocol, *, authorization: str | None, agent: str) -> ClientKind:
    """Return how a client will ask another host for the archive, by its first request.

    A client that no rule knows is taken for one that repeats its credentials there. Programs in Go
    and Java may do so or not, which their `User-Agent` does not say (docs/decisions/0111).
    """
    if authorization is None:
        return ClientKind.WITHOUT_AUTHORIZATION
    match protocol:
        case PullProtocol.CENTRAL:
            is_dropped = agent == MIRROR_AGENT
        case PullProtocol.MAVEN:
            # What answers a challenge is for the host that sent it. Another scheme is a header that
            # a program added, and the library sends that everywhere.
            is_basic = authorization.partition(" ")[0].lower() == "basic"
            is_dropped = agent == _RESOLVER_AGENT and is_basic
    is_dropped = is_dropped or _is_curl(agent)
    return ClientKind.WITHOUT_AUTHORIZATION if is_dropped else ClientKind.WITH_AUTHORIZATION


# The user agent of a mirror that fetches an archive. It sends no token to a redirect.
MIRROR_AGENT = "Ballroom"
# The user agent of Maven Resolver in `bal`. The user agent of `mvn` differs, and `mvn` may send
# headers that its user added.
_RESOLVER_AGENT = "Aether"
_CURL = re.compile(r"curl/(\d{1,4})\.(\d{1,4})\.")
# Earlier versions (before January 2018) sent headers that their user added to every server.
_CURL_DROPS_SINCE = (7, 58)


def _is_curl(agent: str) -> bool:
    found = _CURL.match(agent)
    return found is not None and (int(found[1]), int(found[2])) >= _CURL_DROPS_SINCE


class Cdn(Enum):
    """Whether there is a CDN, and what it does with the header `Authorization`."""

    NONE = "none"  # There is no CDN.
    STRIPPING = "strips it"
    READING_BLOBS = "sends its own"  # It reads the public container of Blob Storage.


def second_hop(
    client: ClientKind, container: ArchiveContainer, cdn: Cdn, *, is_linked: bool
) -> DeliveryRoute:
    """Return who sends the archive to the client after the redirect. `is_linked` says whether Blob
    Storage has it, which it never does on one machine."""
    is_plain = client is ClientKind.WITHOUT_AUTHORIZATION
    has_archive = is_linked if cdn is Cdn.READING_BLOBS else True
    if container is ArchiveContainer.PUBLIC and cdn is not Cdn.NONE and has_archive:
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
