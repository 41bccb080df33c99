"""Several upstreams: their order, the owner of a name, and one of them that fails."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from starlette.responses import Response

from shared.domain.organizations import NameOwner, name_owner_place
from tests.support.mirrors import answering, broken, modules, resolve, resolved, services, status
from tests.support.upstreams import FakeUpstream
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

Both = tuple[FakeUpstream, FakeUpstream]


def fail(upstream: FakeUpstream) -> None:
    """Let the upstream answer nothing."""
    kinds = ("organization", "versions", "package", "pull", "file", "resolve", "modules")
    upstream.behave.update(dict.fromkeys(kinds, broken))


@pytest.fixture
def both() -> Iterator[Both]:
    """Return two upstreams, each with an organization of its own and one that both have."""
    first = FakeUpstream()
    second = FakeUpstream()
    first.publish("one/a:1.0.0")
    first.publish("shared/first:1.0.0")
    second.publish("two/b:1.0.0")
    second.publish("shared/second:1.0.0")
    with ExitStack() as stack:
        for each in (first, second):
            stack.enter_context(each.serving())
        yield first, second


@pytest.fixture
async def mirror(worlds: OpenWorld, both: tuple[FakeUpstream, FakeUpstream]) -> World:
    """Return a registry that mirrors both."""
    return await worlds(upstream=",".join(each.url for each in both))


async def pull(mirror: World, package: str, version: str = "1.0.0") -> int:
    return await status(mirror, f"/packages/{package}/{version}")


async def owner(mirror: World, org: str) -> str | None:
    found = await mirror.stores.directory.get(NameOwner, name_owner_place(org))
    return found.upstream if found else None


async def test_the_first_upstream_that_has_an_organization_owns_its_name(
    mirror: World, both: Both
) -> None:
    first, second = both
    assert await pull(mirror, "one/a") == 302
    assert await pull(mirror, "two/b") == 302
    assert await owner(mirror, "one") == first.name
    assert await owner(mirror, "two") == second.name


async def test_packages_of_one_organization_come_from_one_upstream(
    mirror: World, both: Both
) -> None:
    _, second = both
    assert await pull(mirror, "shared/second") == 404  # Before and after the name has an owner.
    assert await pull(mirror, "shared/first") == 302
    assert await pull(mirror, "shared/second") == 404
    assert second.total == 0


async def test_one_of_two_upstreams_offline_leaves_the_packages_of_the_other(
    mirror: World, both: Both
) -> None:
    first, second = both
    second.publish("two/c:1.0.0")
    assert await pull(mirror, "two/b") == 302
    assert await pull(mirror, "one/a") == 302
    fail(first)
    assert await pull(mirror, "two/c") == 302
    assert (await mirror.get("/packages/two/c")).json() == ["1.0.0"]
    assert await pull(mirror, "one/a") == 302  # It is stored.
    wanted = ("one/a:1.0.0 locked", "two/c")
    assert await resolved(mirror, *wanted) == ["one/a:1.0.0", "two/c:1.0.0"]
    # Whether it has a newer version nobody knows.
    assert (await resolve(mirror, "one/a", "two/c")).status_code == 503


async def test_one_of_two_upstreams_offline_leaves_the_first(mirror: World, both: Both) -> None:
    fail(both[1])
    assert await pull(mirror, "one/a") == 302
    assert await pull(mirror, "two/b") == 503


async def test_the_breaker_of_one_upstream_is_not_that_of_the_other(
    mirror: World, both: Both
) -> None:
    first, second = both
    await pull(mirror, "two/b")
    fail(first)
    for number in range(8):
        assert await pull(mirror, f"one/x{number}") == 503
    source = await services(mirror).reader.upstreams.find(second.name)
    assert source is not None
    assert source.breaker.health.is_answering
    second.publish("two/c:1.0.0")
    assert await pull(mirror, "two/c") == 302


async def test_while_the_owner_of_a_name_fails_others_are_not_asked_for_it(
    mirror: World, both: Both
) -> None:
    first, second = both
    second.publish("one/a:2.0.0")
    second.publish("one/z:1.0.0")
    await pull(mirror, "one/a")
    fail(first)
    assert await pull(mirror, "one/a", "2.0.0") == 503
    assert await pull(mirror, "one/z") == 503
    assert (await mirror.get("/packages/one/z")).status_code == 503
    assert second.total == 0


async def test_an_upstream_that_does_not_answer_may_have_a_name_that_nobody_owns(
    mirror: World, both: Both
) -> None:
    first, second = both
    fail(first)
    assert await pull(mirror, "two/b") == 503
    assert (await resolve(mirror, "two/b")).status_code == 503
    assert second.total == 0


async def test_a_list_of_packages_that_is_none_is_no_answer(mirror: World, both: Both) -> None:
    both[0].behave["organization"] = answering(
        Response('{"packages": {}}', media_type="application/json")
    )
    assert await pull(mirror, "two/b") == 503


async def test_a_build_asks_each_upstream_once(mirror: World, both: Both) -> None:
    found = await resolved(mirror, "one/a", "two/b", "shared/first", "shared/second")
    assert found == ["one/a:1.0.0", "two/b:1.0.0", "shared/first:1.0.0"]
    assert [each.asked["resolve"] for each in both] == [1, 1]
    assert await modules(mirror, "one/a", "two/b") == ["a:1.0.0", "b:1.0.0"]


async def test_an_organization_that_nobody_has_costs_the_first_one_request_a_minute(
    mirror: World, both: Both
) -> None:
    for number in range(5):
        assert await pull(mirror, f"none/p{number}") == 404
    assert 1 <= both[0].asked["organization"] <= len(mirror.instances)
