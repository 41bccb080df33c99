"""Sides: public archives lie apart from private ones, where links lead to the store itself.

A side is named as what lies there is seen: `PUBLIC` by everybody, `PRIVATE` by whoever is shown it.
What is withheld lies on the private side, whoever sees its package.
"""

from collections.abc import Iterable
from datetime import timedelta

from shared.domain.package import Event, Head, Release, State, Visibility

# A push that was under way while its package changed stores where it would have been right. The
# next sweep puts it right, and there is one each night.
SETTLED_AFTER = timedelta(days=2)

_DECIDING = {"visibility", "state"}  # The fields of heads and releases that decide on a side.


def side_of(head: Head, release: Release) -> Visibility:
    """Return the side where the archive of a release belongs."""
    is_public = head.visibility is Visibility.PUBLIC and release.state is State.LIVE
    return Visibility.PUBLIC if is_public else Visibility.PRIVATE


def moves_archives(outbox: Iterable[Event]) -> bool:
    """Say whether one of the changes that are not finished yet may move archives."""
    return any(not _DECIDING.isdisjoint(event.details) for event in outbox)


def is_settled(head: Head, release: Release, *, now_ms: int) -> bool:
    """Say whether the archive lies where it belongs for certain: nothing has to be looked for."""
    if moves_archives((*head.outbox, *release.outbox)):
        return False
    age = timedelta(milliseconds=now_ms - (head.changed_ms or 0))
    return head.changed_ms is None or age >= SETTLED_AFTER
