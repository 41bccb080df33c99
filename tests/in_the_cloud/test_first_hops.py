"""First hops that an instance repeats from memory, as the host of Azure asks for them: the Function
is called each time, and no store is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.auth.known_readers import KNOWN_FOR
from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.cloud_registry import CloudRegistry, clouded
from tests.support.cloud_stores import double_of
from tests.support.world import BASE

pytestmark = pytest.mark.usefixtures("patience")

GREET = "acme/greet:1.0.0"
SECRET = "acme/secret:1.0.0"


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[CloudRegistry]:
    async with clouded(tmp_path) as made:
        await made.ann.send_archive("any/any:0.0.0", bala(GREET))
        await made.ann.send_archive("any/any:0.0.0", bala(SECRET, visibility="private"))
        made.clock.advance(timedelta(minutes=1))  # The archives have their places by now.
        yield made


async def pull(cloud: CloudRegistry, release: str, *, by_ann: bool) -> tuple[int, str, int]:
    """Return the status and the address of a pull, and how many requests of the records it took;
    the change feed, which is asked once a second, is read before."""
    await cloud.registry.adapters.edition.poll()
    package, _, version = release.partition(":")
    headers = {**dict(ACCEPT_ARCHIVE), **(cloud.as_ann if by_ann else {})}
    requests = double_of(cloud.place.folder, cloud.clock).requests
    before = len(requests)
    answer = await cloud.http.get(f"{BASE}/packages/{package}/{version}", headers=headers)
    return answer.status_code, answer.headers.get("location", ""), len(requests) - before


@pytest.mark.parametrize(("release", "by_ann"), [(GREET, False), (GREET, True), (SECRET, True)])
async def test_a_repeated_pull_asks_no_store(
    cloud: CloudRegistry, release: str, by_ann: bool
) -> None:
    await pull(cloud, release, by_ann=by_ann)  # Finds who asks, so that it is known from now on.
    status, address, _ = await pull(cloud, release, by_ann=by_ann)
    assert status == 302
    assert await pull(cloud, release, by_ann=by_ann) == (302, address, 0)


async def test_a_private_package_costs_others_what_a_missing_one_costs(
    cloud: CloudRegistry,
) -> None:
    for _ in range(3):
        assert (await pull(cloud, SECRET, by_ann=True))[0] == 302
    hidden = [await pull(cloud, SECRET, by_ann=False) for _ in range(2)]
    missing = [await pull(cloud, "acme/nothing:1.0.0", by_ann=False) for _ in range(2)]
    assert hidden == missing
    assert [status for status, _, _ in hidden] == [404, 404]
    assert all(count for _, _, count in hidden)


async def test_nobody_gets_a_package_from_memory_that_became_private(cloud: CloudRegistry) -> None:
    for _ in range(2):
        assert (await pull(cloud, GREET, by_ann=False))[0] == 302
    visibility = cloud.registry.packages.visibility
    await visibility.change(
        Package.parse("acme", "greet"), Visibility.PRIVATE, by=OPERATOR, reason="It was decided."
    )
    assert (await pull(cloud, GREET, by_ann=False))[0] == 404
    assert (await pull(cloud, GREET, by_ann=True))[0] == 302


async def test_a_withheld_private_release_is_gone(cloud: CloudRegistry) -> None:
    for _ in range(3):
        assert (await pull(cloud, SECRET, by_ann=True))[0] == 302
    await cloud.registry.publishing.moderation.quarantine(
        Coordinate.parse("acme", "secret", "1.0.0"), "Harmful.", by=OPERATOR
    )
    assert (await pull(cloud, SECRET, by_ann=True))[0] == 404


async def test_who_reads_a_private_package_is_asked_for_again_after_seconds(
    cloud: CloudRegistry,
) -> None:
    for _ in range(2):
        await pull(cloud, SECRET, by_ann=True)
    cloud.clock.advance(KNOWN_FOR)
    status, _, requests = await pull(cloud, SECRET, by_ann=True)
    assert status == 302
    assert requests
