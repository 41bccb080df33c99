"""What an OpenID Connect issuer says of itself: where its keys are, where people sign in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, cast

from shared.auth.kept import Failed, Kept, unheard
from shared.ports import Clock, Fetcher, Unanswered

_PATH = "/.well-known/openid-configuration"
_JSON = {"Accept": "application/json"}
_OTHER = "the document is of another issuer"
_INCOMPLETE = "the document lacks the address of its keys"


@dataclass(frozen=True, slots=True)
class IssuerDocument:
    """The parts of a discovery document that are used here; empty where they are missing."""

    issuer: str
    keys: str
    authorization: str
    token: str
    userinfo: str
    client_authentication: tuple[str, ...]
    names_itself: bool  # In answers to a sign-in, as `iss` (RFC 9207).

    @classmethod
    def parse(cls, values: Mapping[str, object], issuer: str) -> Self:
        """Read a document of `issuer`; raise `Unanswered` for one of anybody else."""
        if values.get("issuer") != issuer:
            raise Unanswered(_OTHER)
        if not _text(values, "jwks_uri"):
            raise Unanswered(_INCOMPLETE)
        return cls(
            issuer=issuer,
            keys=_text(values, "jwks_uri"),
            authorization=_text(values, "authorization_endpoint"),
            token=_text(values, "token_endpoint"),
            userinfo=_text(values, "userinfo_endpoint"),
            client_authentication=_texts(values, "token_endpoint_auth_methods_supported"),
            names_itself=values.get("authorization_response_iss_parameter_supported") is True,
        )


class Discovery:
    """Finds the documents of issuers, and keeps them.

    Issuers come from the configuration and from stored publishers, never from a token.
    """

    def __init__(self, fetcher: Fetcher, clock: Clock, failed: Failed = unheard) -> None:
        """Ask through `fetcher`; `failed` hears of issuers that do not answer."""
        self._fetcher = fetcher
        self._clock = clock
        self._failed = failed
        self._documents: dict[str, Kept[IssuerDocument]] = {}

    async def document(self, issuer: str) -> IssuerDocument:
        """Return what the issuer says of itself; raise `Unanswered`."""
        if issuer not in self._documents:
            self._documents[issuer] = Kept(
                issuer, lambda: self._read(issuer), self._clock, self._failed
            )
        return await self._documents[issuer].value()

    async def _read(self, issuer: str) -> IssuerDocument:
        fetched = await self._fetcher.get(issuer.rstrip("/") + _PATH, _JSON)
        return IssuerDocument.parse(fetched.json_object(), issuer)


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _texts(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = values.get(name)
    if not isinstance(value, list):
        return ()
    return tuple(each for each in cast(list[object], value) if isinstance(each, str))
