"""The whole check of `scim2-tester` against our server, which it discovers."""

from collections import Counter
from typing import Any
from wsgiref.headers import Headers

import pytest
from anyio import from_thread
from anyio.to_thread import run_sync
from scim2_client import BaseSyncSCIMClient
from scim2_client.engines.inprocess import InProcessResponse
from scim2_tester import Status, check_server

from tests.support.scim import BASE, open_scim
from tests.support.world import OpenWorld, World

GREEN = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


class Client(BaseSyncSCIMClient):
    """Sends the requests of the check, which runs in a thread, to the registry of a test."""

    def __init__(self, world: World, token: str) -> None:
        super().__init__()
        self._world = world
        self._token = token

    def _stays_under_base_url(self, endpoint: str) -> bool:
        return not endpoint.startswith("http") or endpoint.startswith(BASE)

    def _parse_json(self, response: Any) -> Any:
        return response.json()

    def request(self, method: str, url: str, **options: Any) -> Any:
        return from_thread.run(self._answer, method, url, options)

    async def _answer(self, method: str, url: str, options: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", **options.pop("headers", {})}
        address = url if url.startswith("http") else f"{BASE}/{url.lstrip('/')}"
        answer = await self._world.http.request(method, address, headers=headers, **options)
        return InProcessResponse(
            answer.status_code,
            content=answer.content,
            headers=Headers(answer.headers.multi_items()),
        )


@pytest.mark.timeout(600)  # It sends some 300 requests.
@pytest.mark.parametrize("provider", ["entra", "oidc"])
async def test_every_check_is_green(worlds: OpenWorld, provider: str) -> None:
    scim = await open_scim(worlds, provider=provider)
    client = Client(scim.world, scim.token)
    results = await run_sync(check_server, client)
    wrong = [each for each in results if each.status not in GREEN]
    assert not wrong, "\n".join(f"{each.title}: {each.status} {each.reason}" for each in wrong)
    assert Counter(each.status for each in results)[Status.SUCCESS] > 50
