"""The client of a request, as it is noted: where it is, and what it calls itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from shared.domain.addresses import Networks, client_address
from shared.domain.token_texts import without_tokens

LONGEST_AGENT = 200  # Characters; browsers send about 120, and `bal` about 40.


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, before it is known who that is; both texts may be empty."""

    address: str = ""
    agent: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str], proxies: Networks) -> Self:
        """Read the headers, whose keys are lower case, or compared without case."""
        address = client_address(headers.get("x-forwarded-for", ""), proxies)
        return cls(address, shown_agent(headers.get("user-agent", "")))


UNKNOWN_CLIENT = Client()


@lru_cache(maxsize=1024)  # The same few programs ask again and again.
def shown_agent(text: str) -> str:
    """Return what a client calls itself, fit to be kept and shown: short, printable, no token."""
    shown = without_tokens(text)[:LONGEST_AGENT]
    return "".join(character for character in shown if character.isprintable()).strip()
