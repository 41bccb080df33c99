"""Microsoft Graph: the groups of people of a tenant, and whether they are enabled."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import cast
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.identity_providers import provider_error_text
from shared.auth.issuer_keys import IssuerDiscovery
from shared.auth.openid_connect import ClientAuthentication, OAuthClient
from shared.domain.directory_locks import DirectoryAnswer, DirectoryState
from shared.domain.identities import parse_groups
from shared.ports.http_client import HttpClient, HttpResponse, Unanswered

_REFUSED = (401, 403)
_NO_GROUPS = "the answer holds no groups"
_NO_STATE = "the answer does not say whether the person is enabled"
_NOT_PERMITTED = "Microsoft Graph refuses it; the application needs the permission User.Read.All"
_ASKED_AT_ONCE = 16  # Microsoft Graph takes far more from an application.
_NO_PERSON = "00000000-0000-0000-0000-000000000000"


class MicrosoftGraph(Struct, frozen=True):
    """Asks Microsoft Graph at `address` about people, as the application `client` of `issuer`."""

    address: str
    issuer: str
    client: OAuthClient
    discovery: IssuerDiscovery
    fetcher: HttpClient

    async def groups_of(self, identifier: str) -> tuple[str, ...]:
        """Return all security groups that a person is in, also by other groups; none for somebody
        who left. Raises `Unanswered`."""
        headers = {
            "Authorization": f"Bearer {await self.token()}",
            "Content-Type": "application/json",
        }
        # Not the address in a token with too many groups, which belongs to an earlier service.
        url = f"{self.address}/v1.0/users/{quote(identifier, safe='')}/getMemberObjects"
        answer = await self.fetcher.post(url, headers, b'{"securityEnabledOnly": true}')
        if _is_gone(answer):
            return ()
        groups = answer.json_object().get("value")
        if not isinstance(groups, list):
            raise Unanswered(_NO_GROUPS)
        return parse_groups(e for e in cast(list[object], groups) if isinstance(e, str))

    async def account_states(self, identifiers: Sequence[str]) -> list[DirectoryAnswer]:
        """Return whether people are enabled, in their order; the answers say why it is not
        certain."""
        try:
            headers = {"Authorization": f"Bearer {await self.token()}"}
        except Unanswered as failure:
            return [DirectoryAnswer(None, str(failure))] * len(identifiers)
        gate = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def ask(identifier: str) -> DirectoryAnswer:
            async with gate:
                try:
                    return DirectoryAnswer(await self._state_of(identifier, headers))
                except Unanswered as failure:
                    return DirectoryAnswer(None, str(failure))

        return await asyncio.gather(*map(ask, identifiers))

    async def check_states(self) -> None:
        """Raise `Unanswered` if it does not say whether people are enabled."""
        # Refused without the permission, also for somebody who does not exist.
        await self._state_of(_NO_PERSON, {"Authorization": f"Bearer {await self.token()}"})

    async def token(self) -> str:
        """Return a token of this registry for Microsoft Graph; raise `Unanswered`."""
        endpoint = (await self.discovery.document(self.issuer)).token
        form = {"grant_type": "client_credentials", "scope": f"{self.address}/.default"}
        tokens = await self.client.request_tokens(
            self.fetcher, endpoint, form, ClientAuthentication.FORM
        )
        if "access_token" not in tokens:
            reason = provider_error_text(str(tokens.get("error", "")))
            message = f"no token for Microsoft Graph: {reason}"
            raise Unanswered(message)
        return str(tokens["access_token"])

    async def _state_of(self, identifier: str, headers: Mapping[str, str]) -> DirectoryState:
        """Ask about a person; raise `Unanswered` unless the answer is about that person."""
        url = f"{self.address}/v1.0/users/{quote(identifier, safe='')}?$select=accountEnabled"
        answer = await self.fetcher.get(url, headers)
        if answer.status in _REFUSED:
            raise Unanswered(_NOT_PERMITTED)
        if _is_gone(answer):
            return DirectoryState.GONE
        enabled = answer.json_object().get("accountEnabled")
        if not isinstance(enabled, bool):
            raise Unanswered(_NO_STATE)
        return DirectoryState.ENABLED if enabled else DirectoryState.DISABLED


def _is_gone(answer: HttpResponse) -> bool:
    """Check whether it says that there is no such person. A 404 alone may be that of a wrong
    address or of a proxy."""
    if answer.status != HTTPStatus.NOT_FOUND:
        return False
    try:
        error = replace(answer, status=HTTPStatus.OK).json_object().get("error")
    except Unanswered:
        return False
    code = cast(dict[str, object], error).get("code") if isinstance(error, dict) else None
    return code == "Request_ResourceNotFound"
