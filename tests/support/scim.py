"""Registries whose people a directory provisions by SCIM."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from shared.domain.accounts import Account
from shared.domain.principals import OPERATOR
from shared.services.adapters import Adapters
from shared.services.record_batches import all_entities
from shared.services.scim.tokens import IssuedScimToken
from tests.support.sign_in import SignInWorld, open_sign_in
from tests.support.world import URL, OpenWorld, World

BASE = f"{URL}/scim/v2"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
KIM = "48af03ac-28ad-4fb8-8478-64f2f0d5a1c1"  # The object id of a user of Entra ID.


@dataclass
class ScimWorld:
    """A registry with a directory, and the token of that."""

    company: SignInWorld
    issued: IssuedScimToken

    @property
    def world(self) -> World:
        return self.company.world

    @property
    def token(self) -> str:
        return self.issued.text.reveal()

    async def send(self, method: str, path: str, json: object = None, **options: Any) -> Any:
        """Send a request as the directory does; return the answer."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self.world.send(method, BASE + path, json=json, headers=headers, **options)

    async def done(self, method: str, path: str, json: object = None, **options: Any) -> Any:
        """Send a request that succeeds; return the body, None for none."""
        answer: httpx.Response = await self.send(method, path, json, **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def user(self, name: str = "kim", external_id: str | None = KIM, **fields: Any) -> Any:
        """Provision a person; return the user."""
        body = {"schemas": [USER], "userName": f"{name}@example.org", "externalId": external_id}
        return await self.done("POST", "/Users", {**body, **fields})

    async def patch(self, path: str, *operations: dict[str, Any]) -> httpx.Response:
        body = {"schemas": [PATCH], "Operations": list(operations)}
        return await self.send("PATCH", path, body)

    async def patched(self, path: str, *operations: dict[str, Any]) -> Any:
        answer = await self.patch(path, *operations)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def accounts(self) -> dict[str, Account]:
        found = await all_entities(self.world.stores.directory, Account)
        return {each.name: each for each in found}

    async def account(self, name: str = "kim") -> Account:
        return (await self.accounts())[name]


async def open_scim(
    worlds: OpenWorld,
    around: Callable[[Adapters], Adapters] = lambda stores: stores,
    *,
    provider: str = "entra",
    **options: Any,
) -> ScimWorld:
    """Return a registry with every provider, one of which provisions its people; `around` puts
    something around its stores."""
    company = await open_sign_in(worlds, around, **options)
    return ScimWorld(company, await issue(company, provider))


async def issue(company: SignInWorld, provider: str = "entra") -> IssuedScimToken:
    return await company.world.registry.scim.tokens.issue(provider, 365, by=OPERATOR)
