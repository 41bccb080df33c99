"""The second hop of a pull: who sends the bytes.

A classic `bal` client repeats its `Authorization` where the first answer sends it. Blob Storage
refuses a request with one that it cannot use, however good the link is. So the caller decides.
"""

from dataclasses import dataclass
from enum import Enum

from shared.domain.package import Visibility


class Hop(Enum):
    """Who sends the bytes."""

    REGISTRY = "the registry"  # `/archives/…`: looks at the records first, ignores `Authorization`.
    CDN = "the CDN"  # The same path at a CDN before the registry.
    STORE = "Blob Storage"  # By a signed link of a minute or few.


class Caller(Enum):
    """How the client asked, and will ask there."""

    PLAIN = "without `Authorization`"
    CARRYING = "with `Authorization`"


class Cdn(Enum):
    """What a CDN does with the `Authorization` of those who ask it."""

    NONE = "none"  # There is no CDN.
    STRIPPING = "strips it"
    PASSING = "passes it on"  # What it asks for others then, it may not keep.


@dataclass(frozen=True, slots=True)
class Ways:
    """What there is to choose from for one archive."""

    side: Visibility
    cdn: Cdn
    is_linked: bool  # Blob Storage has it under a name that is known; on one machine nothing has.


def second_hop(caller: Caller, ways: Ways) -> Hop:
    """Return who sends the bytes to the caller."""
    if ways.side is Visibility.PUBLIC and _takes(ways.cdn, caller):
        return Hop.CDN
    return Hop.STORE if ways.is_linked and caller is Caller.PLAIN else Hop.REGISTRY


def _takes(cdn: Cdn, caller: Caller) -> bool:
    return cdn is Cdn.STRIPPING or (cdn is Cdn.PASSING and caller is Caller.PLAIN)
