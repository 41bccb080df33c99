"""The token of a directory that somebody kept who is no administrator any more.

Whoever has such a token provisions, locks and unlocks people. It stops with its maker, as all that
people make does.
"""

from dataclasses import replace

import pytest

from shared.domain.principals import OPERATOR
from shared.services.administration.leaving import LeaveRequest
from tests.support.scim import KIM, ScimWorld, open_scim
from tests.support.world import URL, OpenWorld, Person, token_of

REASON = "They left."


@pytest.fixture
async def scim(worlds: OpenWorld) -> ScimWorld:
    return await open_scim(worlds)


async def kept_by(scim: ScimWorld, person: Person) -> ScimWorld:
    """Return the registry as somebody reaches it with a token that they made."""
    by = scim.world.fresh(person)
    issued = await scim.world.registry.scim.tokens.issue("entra", 365, by=by)
    return replace(scim, issued=issued)


async def status(scim: ScimWorld) -> int:
    return (await scim.send("GET", "/Users")).status_code


async def provisioned(scim: ScimWorld) -> Person:
    """Return an administrator whom the directory provisions, with an access token."""
    await scim.user()
    kim = await scim.account()
    administrators = scim.world.registry.administration.administrators
    await administrators.appoint(kim, by=OPERATOR)
    return Person(kim, await token_of(scim.world.registry, kim))


async def test_who_was_disabled_does_not_unlock_the_account_with_it(scim: ScimWorld) -> None:
    kim = await provisioned(scim)
    kept = await kept_by(scim, kim)
    [user] = (await scim.done("GET", f'/Users?filter=externalId eq "{KIM}"'))["Resources"]
    active = {"op": "replace", "path": "active"}
    await scim.patched(f"/Users/{user['id']}", {**active, "value": False})
    answer = await kept.patch(f"/Users/{user['id']}", {**active, "value": True})
    assert answer.status_code == 401
    assert (await scim.account()).is_locked
    assert (await scim.world.get(f"{URL}/api/v1/whoami", by=kim)).status_code == 401


async def test_a_token_stops_with_the_administrator_who_made_it(scim: ScimWorld) -> None:
    administration = scim.world.registry.administration
    admin = scim.world.people.admin.account
    kept = await kept_by(scim, scim.world.people.admin)
    assert await status(kept) == 200
    await provisioned(scim)  # Another administrator.
    await administration.accounts.lock(admin, REASON, by=OPERATOR)
    assert await status(kept) == 401
    await administration.accounts.unlock(admin, by=OPERATOR)
    assert await status(kept) == 200
    await administration.administrators.dismiss(admin, REASON, by=OPERATOR)
    assert await status(kept) == 401
    assert await status(scim) == 200  # The operator made it.


async def test_administrators_are_told_that_a_directory_has_no_token_that_works(
    scim: ScimWorld,
) -> None:
    world = scim.world
    await provisioned(scim)
    kept = await kept_by(scim, world.people.admin)
    await world.registry.administration.accounts.lock(
        world.people.admin.account, REASON, by=OPERATOR
    )
    assert not await stops(scim)
    await world.registry.scim.tokens.revoke(scim.issued.token.id, by=OPERATOR)
    [problem] = await stops(scim)
    assert "The token of the directory entra, which admin made, has stopped because" in problem
    assert [each.described for each in await world.registry.tokens.maker_review.stopped()] == [
        f"the token {kept.issued.token.id} of the directory entra"
    ]


async def stops(scim: ScimWorld) -> list[str]:
    """Return what administrators read about tokens of directories that have stopped."""
    report = await scim.world.registry.administration.status.report(by=OPERATOR)
    return [each.sentence for each in report.to_decide if "has stopped" in each.sentence]


async def test_whoever_takes_over_from_a_leaver_is_the_maker(scim: ScimWorld) -> None:
    world = scim.world
    await provisioned(scim)
    admin = world.people.admin.account
    kept = await kept_by(scim, world.people.admin)
    leaving = world.registry.administration.leaving
    request = LeaveRequest(ends=True, successor=await scim.account(), reason=REASON)
    done = await leaving.leave(admin, request, by=OPERATOR)
    name = f"the token {kept.issued.token.id} of the directory entra"
    assert f"kim is the maker of {name}." in done
    assert await status(kept) == 200
