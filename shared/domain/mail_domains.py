"""Mail domains: what a registry of domains says of one (RDAP, RFC 9083), and whose addresses in it
are still those of the people who proved them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import ClassVar, cast

from msgspec import Struct

from shared.domain.entities import Entity, Place
from shared.domain.times import MS

# States of RFC 8056 in which the holder of a domain has lost it.
_LOST = frozenset({"pending delete", "redemption period"})


class Registration(Struct, frozen=True):
    """When a domain was registered, and until when (None: the server does not say)."""

    registered_ms: int | None
    expires_ms: int | None
    is_lost: bool

    def is_ended_at(self, now_ms: int) -> bool:
        return self.is_lost or (self.expires_ms is not None and self.expires_ms <= now_ms)


class MailDomain(Entity):
    """What was last read about the domain of mail addresses.

    `registered_name` is the domain itself or the domain above it that is registered: that of
    `mail.example.org` is `example.org`. Only a name that was once found can be missing later.
    """

    kind: ClassVar[str] = "mail-domain"

    domain: str
    registered_name: str
    registered_ms: int | None = None
    ended: bool = False
    checked_ms: int
    expires_ms: int | None = None  # A domain in which nobody has an address is forgotten.

    @property
    def place(self) -> Place:
        return mail_domain_place(self.domain)

    @property
    def ends_ms(self) -> int | None:
        return self.expires_ms

    def is_trusted_since(self, proved_ms: int) -> bool:
        """Check whether an address in the domain, which somebody proved then, is still theirs as
        far as is known."""
        return not self.ended and (self.registered_ms is None or self.registered_ms <= proved_ms)


def mail_domain_place(domain: str) -> Place:
    return Place(f"mail-domain-{domain}")


def domain_of(address: str) -> str:
    """Return the domain of a mail address in lower case; empty if it has none."""
    return address.rpartition("@")[2].lower().rstrip(".") if "@" in address else ""


def possible_registrations(domain: str) -> Iterator[str]:
    """Yield the domain and those above it that may be registered, which have two labels or more."""
    labels = domain.split(".")
    for first in range(len(labels) - 1):
        yield ".".join(labels[first:])


def parse_registration(answer: Mapping[str, object]) -> Registration:
    """Return what the answer about a domain says; parts that cannot be read say nothing."""
    dates = dict[str, int]()
    events = answer.get("events")
    for each in cast("list[object]", events) if isinstance(events, list) else ():
        match each:
            case {"eventAction": str(action), "eventDate": str(date)}:
                if (at_ms := _parse_date(date)) is not None:
                    # A domain that was registered again may list both registrations.
                    dates[action] = max(at_ms, dates.get(action, at_ms))
            case _:
                pass
    states = answer.get("status")
    names = cast("list[object]", states) if isinstance(states, list) else []
    is_lost = any(isinstance(each, str) and each.lower() in _LOST for each in names)
    registered = [dates[each] for each in ("registration", "reregistration") if each in dates]
    return Registration(max(registered, default=None), dates.get("expiration"), is_lost)


def _parse_date(text: str) -> int | None:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return (aware - datetime.fromtimestamp(0, UTC)) // MS
