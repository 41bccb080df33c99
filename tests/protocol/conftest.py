"""What the protocol suite shares."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.support.browsers import Browser, signed_in
from tests.support.documented_packages import published
from tests.support.port_doubles import STORES, CallRecorder
from tests.support.receivers import Receiver, receiving
from tests.support.sigstore_instances import SigstoreInstance
from tests.support.sigstore_pushes import opened
from tests.support.trusted_publishing import TrustedPublishingWorld
from tests.support.upstreams import SharedServer
from tests.support.world import OpenWorld, World

_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


@pytest.fixture(scope="module")
async def shared_world(shared_worlds: OpenWorld) -> World:
    """Return a registry without packages that the tests of a module share."""
    return await shared_worlds()


@pytest.fixture(scope="module")
async def documented(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package and its documentation, which no test changes."""
    world = await shared_worlds()
    await published(world)
    return world


@pytest.fixture(scope="session")
def shared_server() -> Iterator[SharedServer]:
    """Return the server of upstreams, of one test at a time."""
    with SharedServer.running() as running:
        yield running


class Html(SingleFileSnapshotExtension):
    """Keeps a golden as a file that a browser opens."""

    _write_mode = WriteMode.TEXT
    file_extension = "html"


@pytest.fixture
def page(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compare with a golden of what is particular to a page."""
    return snapshot.use_extension(Html)


@pytest.fixture
async def admin(world: World) -> Browser:
    """Return a browser, which does not say what it is, in which an administrator has signed in."""
    return await signed_in(world, world.people.admin, agent="")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a server on this machine that webhooks are delivered to."""
    with receiving() as running:
        yield running


@pytest.fixture
def public() -> SigstoreInstance:
    """Return an instance of Sigstore whose bundles have the form of the public one."""
    return SigstoreInstance.public_good()


@pytest.fixture
async def trust(
    worlds: OpenWorld, tmp_path: Path, public: SigstoreInstance
) -> TrustedPublishingWorld:
    """Return a registry that trusts the jobs of octo/greet for acme/greet, and verifies bundles of
    `public`."""
    return await opened(worlds, tmp_path, public)


@pytest.fixture
def store_calls() -> CallRecorder:
    return CallRecorder(STORES)


@pytest.fixture
def port_calls() -> CallRecorder:
    return CallRecorder()


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compare with a golden that is kept as JSON, one file a golden."""
    return snapshot.use_extension(JSONSnapshotExtension).with_defaults(matcher=_without_digests)


def _without_digests(data: Any, path: Any) -> Any:  # noqa: ARG001 - syrupy passes both by name.
    """Leave digests of archives out: compression differs between versions of zlib."""
    return _DIGEST.sub("SHA-256", data) if isinstance(data, str) else data
