"""The clock and the random source of this machine, which no other module reads, and TXT records
from the name servers that it uses."""

import secrets
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.domain.errors.base import Unavailable, quoted

if TYPE_CHECKING:
    import dns.asyncresolver

_NS_PER_MS = 1_000_000


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970, UTC."""
        return time.time_ns() // _NS_PER_MS

    def monotonic_ms(self) -> int:
        """Return milliseconds since a fixed moment; never decreases."""
        return time.monotonic_ns() // _NS_PER_MS


class SystemRandomness:
    """The machine's source of randomness for secrets."""

    def token_bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)


LIFETIME_SECONDS = 5.0  # The request waits for it, and can be repeated.
MAX_TEXTS = 100  # Some domains have fifty; further ones are ignored.
MAX_TEXT_BYTES = 1_024  # A verification record has sixty.


class DnsRecords:
    """Asks by DNS; without a cache of its own, because a record that was just set is looked for."""

    def __init__(self, resolver: "dns.asyncresolver.Resolver | None" = None) -> None:
        """Ask `resolver`, by default that of this machine, which is read when it is first asked."""
        self._resolver = resolver

    async def texts(self, name: str) -> list[str]:
        import dns.exception  # noqa: PLC0415 - costs 100 ms, which no start should pay.
        import dns.resolver  # noqa: PLC0415

        try:
            answer = await self._asked().resolve(
                name, "TXT", lifetime=LIFETIME_SECONDS, search=False
            )
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError):
            raise Unavailable(
                "domain-silent",
                f"The name servers of {quoted(name)} did not answer, so nothing was changed. Try "
                "again in a few minutes.",
                timedelta(minutes=1),
            ) from None
        return [_text(record) for record in list(answer)[:MAX_TEXTS]]

    def _asked(self) -> "dns.asyncresolver.Resolver":
        import dns.asyncresolver  # noqa: PLC0415 - as above.

        if self._resolver is None:
            self._resolver = dns.asyncresolver.Resolver()
            self._resolver.cache = None
        return self._resolver


def _text(record: Any) -> str:
    """Return a record as one text: long ones come in pieces of 255 bytes."""
    joined: bytes = b"".join(record.strings)
    return joined[:MAX_TEXT_BYTES].decode("ascii", "replace")
