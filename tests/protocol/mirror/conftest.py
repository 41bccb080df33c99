"""What the tests of mirroring share: an upstream, and a registry that mirrors it."""

from collections.abc import Iterator

import pytest

from tests.support.upstreams import FakeUpstream, SharedServer
from tests.support.world import OpenWorld, World


@pytest.fixture
def upstream(shared_server: SharedServer) -> Iterator[FakeUpstream]:
    """Return an upstream with two versions of a package."""
    upstream = FakeUpstream()
    upstream.publish("ballerina/io:1.0.0")
    upstream.publish("ballerina/io:1.1.0")
    with upstream.serving(shared_server):
        yield upstream


@pytest.fixture
async def mirror(worlds: OpenWorld, upstream: FakeUpstream) -> World:
    """Return a registry that mirrors it."""
    return await worlds(upstream=upstream.url)
