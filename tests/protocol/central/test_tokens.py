"""What is no token is refused on public reads as well; tests/security asks every operation."""

import pytest

from tests.protocol.central.answers import refused
from tests.support.world import World


@pytest.mark.parametrize(
    "value",
    [
        "Bearer nonsense",
        "Bearer ",
        "Bearer",
        "bearer blr_local_0000000000",
        "Basic bm9ib2R5OnNlY3JldA==",
        "Basic not-base64",
    ],
)
async def test_whatever_is_there_and_is_no_token_is_401(shared_world: World, value: str) -> None:
    answer = await shared_world.get("/packages", headers={"Authorization": value})
    assert "nonsense" not in refused(answer, 401)
