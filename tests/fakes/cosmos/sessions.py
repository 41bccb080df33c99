"""Session tokens: how far the replica came that answered, for each range that the answer is of.

A token is `RANGE:VERSION#LSN`, several are joined by commas. A read at session consistency that has
a token is answered by a replica that came as far; one without may be answered by any.
https://learn.microsoft.com/azure/cosmos-db/how-to-manage-consistency#utilize-session-tokens
"""

from collections.abc import Mapping

from tests.fakes.cosmos import charges
from tests.fakes.cosmos.containers import Container, KeyRange
from tests.fakes.cosmos.feeds import RANGE

TOKEN = "x-ms-session-token"


def replica_of(container: Container, headers: Mapping[str, str]) -> Container:
    """Return the replica that answers a request: the one that is behind, if the request allows."""
    behind = container.replica
    is_weak = headers.get("x-ms-consistency-level") in charges.WEAKER
    if behind is None or not is_weak:
        return container
    read = [int(each.rpartition("#")[2]) for each in headers.get(TOKEN, "").split(",") if each]
    return container if max(read, default=0) > behind.last else behind


def token_of(container: Container, headers: Mapping[str, str], key: str | None) -> str:
    """Return the token of an answer of this replica."""
    ranges = [each for each in container.ranges if _is_of(container, each, headers, key)]
    return ",".join(f"{each.id}:-1#{container.last}" for each in ranges)


def _is_of(
    container: Container, range_: KeyRange, headers: Mapping[str, str], key: str | None
) -> bool:
    if key is not None and len(container.ranges) > 1:
        return range_.least <= container.place_of_key(key) < range_.end
    return headers.get(RANGE, range_.id) == range_.id
