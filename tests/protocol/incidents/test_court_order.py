"""A court order: a release goes with all that was made of it, and stays gone."""

from shared.domain.coordinates import Coordinate
from shared.domain.release_states import State
from shared.domain.withdrawal_reasons import WithdrawalReason
from tests.support.archives import bala
from tests.support.incident_page import follow
from tests.support.storage import one_machine
from tests.support.world import URL, World

pytestmark = one_machine("its commands find a data folder")


async def test_a_release_is_erased_with_a_receipt(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/greet:1.1.0"))
    printed = await follow(world, "A court order")
    release = (await world.stores.metadata.find(Coordinate.parse("acme", "greet", "1.0.0"))).release
    assert release
    assert release.state is State.REMOVED
    assert release.public_reason
    assert release.public_reason.why is WithdrawalReason.LEGAL
    assert release.erased
    assert await world.stores.archives.stat(release.archive) is None
    assert f"SHA-256 of the archive: {release.digest}" in printed
    assert "Left:" not in printed
    assert "release.erased" in printed
    page = await world.get(f"{URL}/packages/acme/greet/1.0.0")
    assert "Legal reasons." in page.text
    assert "The archive was deleted on <time" in page.text
    assert (await world.java().pull("acme/greet:1.1.0")).content == bala("acme/greet:1.1.0")
