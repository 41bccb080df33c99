"""Time tells what words do not: a hidden package costs the stores what a missing one costs them."""

from collections.abc import Mapping

import pytest

from tests.balas import bala
from tests.protocol.test_budgets import Ledger
from tests.protocol.test_central_private import CHANGES, READS, Probe, ask
from tests.world import OpenWorld, Person, World, limited

SECRET = "acme/secret:1.0.0"
# The id of a tool tells no package's name, and whoever pushes one is told that it is taken.
BY_NAME = [probe for probe in (*READS, *CHANGES) if not probe.path.startswith("/tools/")]
BUILDS = [probe for probe in BY_NAME if probe.method == "POST"]


@pytest.fixture
def ledger() -> Ledger:
    """Return what the calls of the stores are counted in."""
    return Ledger()


@pytest.fixture
async def counted(worlds: OpenWorld, ledger: Ledger) -> World:
    """Return a registry with a private package that has a tool."""
    world = await worlds(wrap=ledger.wrap)
    await world.push(bala(SECRET, visibility="private", tools=["secret"]))
    return world


async def cost(
    world: World, ledger: Ledger, name: str, probe: Probe, by: Person | None
) -> Mapping[str, int]:
    """Return the calls that one request makes, once its token is known."""
    await world.get("/packages", by=by)
    await world.registry.authentication.close()
    ledger.forget()
    await ask(world, name, probe, by)
    return ledger.calls()


@pytest.mark.parametrize("probe", BY_NAME, ids=str)
async def test_to_anybody_a_hidden_package_costs_what_a_missing_one_costs(
    counted: World, ledger: Ledger, probe: Probe
) -> None:
    hidden = await cost(counted, ledger, "secret", probe, None)
    assert hidden == await cost(counted, ledger, "absent", probe, None)


@pytest.mark.parametrize("probe", [each for each in BY_NAME if each not in BUILDS], ids=str)
@pytest.mark.parametrize("who", ["bob", "ann for others"])
async def test_to_outsiders_with_a_token_it_does_as_well(
    counted: World, ledger: Ledger, probe: Probe, who: str
) -> None:
    people = counted.people
    others = await limited(counted, people.ann, "read", org="acme", package="gre*")
    by = {"bob": people.bob, "ann for others": others}[who]
    hidden = await cost(counted, ledger, "secret", probe, by)
    assert hidden == await cost(counted, ledger, "absent", probe, by)
