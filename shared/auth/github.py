"""Signing in with GitHub, which speaks OAuth2 without id tokens: authlib speaks, its API tells."""

import json
from collections.abc import Mapping
from typing import cast

from shared.auth.oidc import Flow, OAuthClient
from shared.auth.providers import Begun, Freshness, SignedIn, mail_address, one_line, reason_of
from shared.domain.errors import IssuerSilent
from shared.domain.sign_in_errors import SignInFailed
from shared.ports import Clock, Fetched, Fetcher, Randomness, Unanswered

LABEL = "GitHub"
PUBLIC = "https://github.com"
_PUBLIC_API = "https://api.github.com"
_NOBODY = "the answer names nobody"


class GitHubProvider:
    """Signs people in with GitHub, or with a GitHub of one's own.

    GitHub does not say when or how somebody showed who they are: a sign-in counts from its answer,
    and never as a strong one.
    """

    label = LABEL

    def __init__(
        self,
        address: str,
        client: OAuthClient,
        *,
        fetcher: Fetcher,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Speak for the client, over `fetcher`."""
        self._address = address
        self._api = _PUBLIC_API if address == PUBLIC else f"{address}/api/v3"
        self._client = client
        self._fetcher = fetcher
        self._clock = clock
        self._randomness = randomness

    async def begin(self, redirect_uri: str, freshness: Freshness) -> Begun:
        """Begin a sign-in that leads back to `redirect_uri`."""
        flow = Flow.new(redirect_uri, self._randomness)
        again = {"prompt": "select_account"} if freshness is Freshness.NEW else {}
        address, _ = self._client.speaking(None, None).create_authorization_url(
            f"{self._address}/login/oauth/authorize",
            state=flow.state,
            code_verifier=flow.code_verifier,
            redirect_uri=redirect_uri,
            scope="read:user user:email",
            **again,
        )
        return Begun(address, flow.state, flow.to_json())

    async def finish(self, flow: str, answer: Mapping[str, str]) -> SignedIn:
        """Return who signed in."""
        kept = Flow.parse(flow)
        code = kept.code_of(answer, LABEL)
        try:
            return await self._person(await self._access_token(kept, code))
        except Unanswered:
            raise IssuerSilent(LABEL) from None

    async def _access_token(self, kept: Flow, code: str) -> str:
        endpoint = f"{self._address}/login/oauth/access_token"
        tokens = await self._client.exchange(
            self._fetcher, endpoint, kept, code, "client_secret_post"
        )
        if "error" in tokens:
            raise SignInFailed(LABEL, reason_of(str(tokens["error"])))
        return str(tokens.get("access_token", ""))

    async def _person(self, access_token: str) -> SignedIn:
        headers = {
            "Authorization": f"Bearer {access_token}",
            "Accept": "application/vnd.github+json",
            "User-Agent": "Ballroom",  # GitHub answers nobody without one.
        }
        user = (await self._fetcher.get(f"{self._api}/user", headers)).json_object()
        emails = await self._fetcher.get(f"{self._api}/user/emails", headers)
        number = user.get("id")
        # The number stays when the login is renamed, and a login may be somebody else's tomorrow.
        if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
            raise Unanswered(_NOBODY)
        login, name = user.get("login"), user.get("name")
        return SignedIn(
            issuer=self._address,
            identifier=str(number),
            label=one_line(str(login or "")),
            email=_primary(emails),
            display_name=one_line(str(name or login or "")),
            strong=False,
            authenticated_ms=self._clock.now_ms(),
        )


def _primary(fetched: Fetched) -> str:
    """Return the address that GitHub has verified and writes to; nothing where it tells none."""
    try:
        entries: object = json.loads(fetched.body)
    except ValueError:
        return ""
    if not isinstance(entries, list):
        return ""
    for entry in cast(list[object], entries):
        match entry:
            case {"email": str(email), "primary": True, "verified": True}:
                return mail_address(email)
            case _:
                continue
    return ""
