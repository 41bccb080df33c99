"""How soon a moderation decision takes effect in each place, for every page that says so."""

from dataclasses import dataclass
from datetime import timedelta

from functions.http.formatting import lasting
from functions.http.public_pages import PAGE_CACHE_TIME
from shared.domain.archives.delivery import Cdn
from shared.settings import Settings

# What tests compare with what is done: how long caches keep files and archives, how long a link
# to a private archive is good, and when the search of every server knows.
FILE_CACHE_TIME = timedelta(seconds=60)
ARCHIVE_CACHE_TIME = timedelta(minutes=5)
LINK_LIFETIME = timedelta(seconds=60)
SEARCH_DELAY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Propagation:
    """A place where a release may be, and when it is gone from there, or back."""

    where: str
    when: str


def propagation_times(settings: Settings) -> tuple[Propagation, ...]:
    """Return every place, the fastest first, as this registry is set up."""
    return (
        Propagation(
            "This registry: pages, pulls, builds, archives and Maven metadata",
            f"within {_seconds(PAGE_CACHE_TIME)}, on every server",
        ),
        Propagation("The search", _search(settings)),
        Propagation("Links to the archive that were given out before", _links(settings)),
        Propagation("Copies of the archive at a CDN", _copies(settings)),
        Propagation(
            "The sparse index and badges",
            f"here within {_seconds(PAGE_CACHE_TIME)}; caches on the way keep a file for "
            f"{_seconds(FILE_CACHE_TIME)}",
        ),
        Propagation(
            "Exports of the index, and mirrors",
            "when they ask next: the change is in the feed of changes at once",
        ),
        Propagation(
            "Whoever has pulled it before",
            "never: no registry reaches the caches of others. Owners are told by mail",
        ),
    )


def _search(settings: Settings) -> str:
    if settings.is_in_the_cloud:
        return f"at once here, within {_seconds(SEARCH_DELAY)} on every server"
    return "at once"


def _links(settings: Settings) -> str:
    if settings.is_in_the_cloud and settings.archive_links == "store":
        moved = "as soon as the archive has moved, which is at once; after a crash"
        return f"{moved} within {_seconds(LINK_LIFETIME)}"
    return f"looked at again whenever they are followed: within {_seconds(PAGE_CACHE_TIME)}"


def _copies(settings: Settings) -> str:
    kept = lasting(ARCHIVE_CACHE_TIME)
    if settings.archive_cdn is Cdn.NONE:
        return f"this registry has none; caches of others keep one for {kept} at most"
    if settings.archive_cdn_resource:
        return f"as fast as its purge, which is asked for at once; {kept} at most"
    return f"within {kept}, or when the operator purges it"


def _seconds(span: timedelta) -> str:
    return f"{span // timedelta(seconds=1)} seconds"
