"""What a pull leaves on the client's machine."""

from dataclasses import dataclass, field

import httpx

from tests.protocol.bal.failures import ClientFailure


class AlreadyInCache(ClientFailure):
    """The client has this version for this platform, and unpacks nothing."""


@dataclass(frozen=True)
class Pulled:
    """A bala as the client keeps it."""

    org: str
    name: str
    version: str
    platform: str
    file_name: str
    content: bytes
    deprecation: str | None = None


@dataclass
class Cache:
    """The bala cache below the user's home."""

    balas: dict[tuple[str, str, str, str], Pulled] = field(
        default_factory=dict[tuple[str, str, str, str], Pulled]
    )

    def keep(self, pulled: Pulled) -> Pulled:
        """Keep the bala, or raise `AlreadyInCache`."""
        key = (pulled.org, pulled.name, pulled.version, pulled.platform)
        if key in self.balas:
            raise AlreadyInCache(None, f"package already exists in the home repository: {key}")
        self.balas[key] = pulled
        return pulled


def check_length(response: httpx.Response) -> None:
    """Raise for an answer that no client accepts: both need a length, and a whole body."""
    length = int(response.headers.get("content-length", "-1"))
    if length <= 0:
        raise ClientFailure(None, "invalid response from the server, please try again")
    if length != len(response.content):
        raise ClientFailure(None, "error occurred copying the bala file: unexpected end of stream")
