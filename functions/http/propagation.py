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
            "Pages, pulls, builds, archives and Maven metadata",
            f"within {_seconds(PAGE_CACHE_TIME)}, on every server",
        ),
        Propagation("Search", _search(settings)),
        Propagation("Existing links to the archive", _links(settings)),
        Propagation("Copies of the archive on a CDN", _copies(settings)),
        Propagation(
            "Sparse index and badges",
            f"within {_seconds(PAGE_CACHE_TIME)} here, within {_seconds(FILE_CACHE_TIME)} in "
            "caches of proxies",
        ),
        Propagation(
            "Exports of the index, and mirrors",
            "with their next update: the change is in the change feed immediately",
        ),
        Propagation(
            "Copies that were pulled before",
            "never: the registry cannot recall them. Owners are notified by email",
        ),
    )


def _search(settings: Settings) -> str:
    if settings.is_in_the_cloud:
        return f"within {_seconds(SEARCH_DELAY)} on every server"
    return "immediately"


def _links(settings: Settings) -> str:
    if settings.is_in_the_cloud and settings.archive_links == "store":
        return f"immediately; after a crash within {_seconds(LINK_LIFETIME)}"
    return f"within {_seconds(PAGE_CACHE_TIME)}"


def _copies(settings: Settings) -> str:
    kept = lasting(ARCHIVE_CACHE_TIME)
    if settings.archive_cdn is Cdn.NONE:
        return f"this registry uses no CDN; other caches keep copies for at most {kept}"
    if settings.archive_cdn_resource:
        return f"when the CDN is purged, which is requested immediately; within {kept} at most"
    return f"within {kept}, or when the operator purges the CDN"


def _seconds(span: timedelta) -> str:
    return f"{span // timedelta(seconds=1)} seconds"
