"""How fast a decision about a release reaches everybody, said once for every page."""

from dataclasses import dataclass
from datetime import timedelta

from functions._public_pages import KEPT_FOR
from functions._words import lasting
from shared.domain.second_hop import Cdn
from shared.settings import Settings

# What tests compare with what is done: how long caches keep files and archives, how long a link
# to a private archive is good, and when the search of every server knows.
FILES_KEPT_FOR = timedelta(seconds=60)
ARCHIVES_KEPT_FOR = timedelta(minutes=5)
LINKS_END_AFTER = timedelta(seconds=60)
FOUND_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Reach:
    """A place where a release may be, and when it is gone from there, or back."""

    where: str
    when: str


def reaches(settings: Settings) -> tuple[Reach, ...]:
    """Return every place, the fastest first, as this registry is set up."""
    return (
        Reach(
            "This registry: pages, pulls, builds, archives and Maven metadata",
            f"within {_seconds(KEPT_FOR)}, on every server",
        ),
        Reach("The search", _search(settings)),
        Reach("Links to the archive that were given out before", _links(settings)),
        Reach("Copies of the archive at a CDN", _copies(settings)),
        Reach(
            "The sparse index and badges",
            f"here within {_seconds(KEPT_FOR)}; caches on the way keep a file for "
            f"{_seconds(FILES_KEPT_FOR)}",
        ),
        Reach(
            "Exports of the index, and mirrors",
            "when they ask next: the change is in the feed of changes at once",
        ),
        Reach(
            "Whoever has pulled it before",
            "never: no registry reaches the caches of others. Owners are told by mail",
        ),
    )


def _search(settings: Settings) -> str:
    if settings.is_in_the_cloud:
        return f"at once here, within {_seconds(FOUND_WITHIN)} on every server"
    return "at once"


def _links(settings: Settings) -> str:
    if settings.is_in_the_cloud and settings.archive_links == "store":
        moved = "as soon as the archive has moved, which is at once; after a crash"
        return f"{moved} within {_seconds(LINKS_END_AFTER)}"
    return f"looked at again whenever they are followed: within {_seconds(KEPT_FOR)}"


def _copies(settings: Settings) -> str:
    kept = lasting(ARCHIVES_KEPT_FOR)
    if settings.archive_cdn is Cdn.NONE:
        return f"this registry has none; caches of others keep one for {kept} at most"
    if settings.archive_cdn_resource:
        return f"as fast as its purge, which is asked for at once; {kept} at most"
    return f"within {kept}, or when the operator purges it"


def _seconds(span: timedelta) -> str:
    return f"{span // timedelta(seconds=1)} seconds"
