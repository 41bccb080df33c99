"""The registry creates its services at the start, and closes them before its adapters."""

from functools import cached_property

import pytest
from msgspec.structs import replace

from shared.registry import Registry
from shared.registry.group import ServiceGroup
from tests.support.world import World


async def test_adapters_are_closed_last_and_also_if_a_service_fails_to_close(world: World) -> None:
    closed = list[str]()

    async def close_adapters() -> None:
        closed.append("adapters")

    async def close_service() -> None:
        closed.append("service")
        raise ArithmeticError

    adapters = replace(world.stores, close=close_adapters)
    registry = Registry(world.registry.settings, adapters)
    registry.closing.push_async_callback(close_service)
    with pytest.raises(ArithmeticError):
        await registry.close()
    assert closed == ["service", "adapters"]
    await registry.close()  # Once more does nothing.
    assert closed == ["service", "adapters"]


async def test_every_service_that_faces_may_use_is_created_at_the_start(world: World) -> None:
    registry = Registry(world.registry.settings, world.stores)
    groups = [each for each in vars(registry).values() if isinstance(each, ServiceGroup)]
    assert len(groups) > 15
    for group in groups:
        services = {n for n, each in vars(type(group)).items() if isinstance(each, cached_property)}
        assert services == vars(group).keys()
    await registry.close()


async def test_a_service_of_a_group_is_not_replaced(world: World) -> None:
    packages = world.registry.packages
    with pytest.raises(AttributeError):
        packages.hosted = packages.hosted  # pyright: ignore[reportAttributeAccessIssue]
