"""People who report releases: accounts of some age, from networks of their own."""

from datetime import timedelta

from shared.domain.coordinates import Coordinate
from shared.domain.grants import Grant
from shared.domain.principals import OPERATOR, Principal
from shared.domain.reports import Report
from shared.domain.times import MS
from tests.support.archives import bala
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")
SAW = "init.bal sends the environment to a server."


async def publish(world: World, *names: str) -> None:
    """Publish releases of acme, such as `greet`."""
    for name in names or ("greet",):
        await world.push(bala(f"acme/{name}:1.0.0"))


async def reporter(
    world: World, name: str, *, days: int = 400, address: str = "", email: str = ""
) -> Principal:
    """Return somebody with an account of this age, who has just signed in."""
    account = await world.registry.identity.accounts.create(name, by=OPERATOR)
    now_ms = world.clock.now_ms()
    aged = {"created_ms": now_ms - timedelta(days=days) // MS, "email": email}
    await world.stores.directory.replace(account.model_copy(update=aged))
    return Principal(account.id, "session", (Grant(),), signed_in_ms=now_ms, address=address)


async def new_reporters(
    world: World, count: int, *, days: int = 400, network: str = ""
) -> list[Principal]:
    """Return people from as many networks, or all from one /24 such as `203.0.113`."""
    return [
        await reporter(
            world,
            f"mob{number}",
            days=days,
            address=f"{network}.{number + 1}" if network else f"198.51.{number}.7",
        )
        for number in range(count)
    ]


async def report(
    world: World, by: Principal, at: Coordinate = GREET, *, why: str = "malware", text: str = SAW
) -> Report:
    return await world.registry.publishing.reports.make(at, why, text, by=by)


async def is_pulled(world: World, at: Coordinate = GREET) -> bool:
    """Say whether anybody can pull a release."""
    answer = await world.get(f"/packages/{at.package}/{at.version}")
    return answer.status_code == 200
