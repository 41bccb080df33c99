"""The registry closes its services and then its adapters."""

import pytest
from msgspec.structs import replace

from shared.registry import Registry
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
