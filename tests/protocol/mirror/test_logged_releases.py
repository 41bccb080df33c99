"""What a mirror says of releases that it stored: signed by it, and in its log as mirrored."""

import json

import pytest

from shared.domain.transparency.records import (
    ReleaseProof,
    id_of_log,
    id_of_release,
    release_proof_place,
)
from tests.support.mirrors import PULL, release_of
from tests.support.published_logs import ORIGIN, write_log
from tests.support.world import BASE, URL, World

pytestmark = pytest.mark.measured

RELEASE = "ballerina/io:1.0.0"
LOG = id_of_log(ORIGIN)
AS_JSON = {"Accept": "application/json"}


async def test_a_mirrored_release_is_signed_and_logged_with_its_digest(mirror: World) -> None:
    assert (await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)).status_code == 302
    await write_log(mirror)
    release = await release_of(mirror, RELEASE)
    place = release_proof_place(id_of_release(release.coordinate, release.digest), LOG)
    stored = await mirror.stores.directory.get(ReleaseProof, place)
    proof = await mirror.get(f"{URL}/api/v1/log/proof/ballerina/io/1.0.0", headers=AS_JSON)
    assert stored is not None
    assert proof.json()["entry"] == stored.entry
    entry = json.loads(stored.entry)
    assert entry["kind"] == "release.mirrored"
    assert entry["digest"] == f"sha256:{release.digest}"
    assert entry["by"] == {"id": "mirror"}
    metadata = (await mirror.get(f"{BASE}/packages/ballerina/io/1.0.0")).json()
    [signature] = metadata["signatures"]
    keys = (await mirror.get(f"{URL}/api/v1/keys")).json()["keys"]
    assert signature["keyid"] in [each["keyid"] for each in keys]
