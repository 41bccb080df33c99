"""Signatures of releases: wherever a release is described, and verified as a stranger does it."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec.structs import replace

from shared.auth.release_keys import ReleaseSigner, release_key_file
from shared.auth.reread_secrets import RETRY_AFTER
from shared.domain.errors.identity import KeyTrouble
from shared.services.adapters import Adapters
from tests.fakes.system import FakeClock
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, World

GREET = "acme/greet:1.0.0"
PATH = "/packages/acme/greet/1.0.0"


async def keys(world: World) -> list[dict[str, Any]]:
    answer = await world.get(f"{URL}/api/v1/keys")
    assert answer.status_code == 200, answer.text
    return answer.json()["keys"]


async def metadata(world: World, path: str = PATH) -> dict[str, Any]:
    answer = await world.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def require_valid(world: World, signatures: Any, coordinate: str, digest: str) -> None:
    """Verify the signature of a release by the published keys."""
    [signature] = signatures
    [key] = [each for each in await keys(world) if each["keyid"] == signature["keyid"]]
    public = load_der_public_key(base64.b64decode(key["key"]))
    assert isinstance(public, EllipticCurvePublicKey)
    hash_text = base64.b64encode(bytes.fromhex(digest)).decode()
    text = f"{coordinate.replace(':', '@')}:sha256-{hash_text}"
    public.verify(base64.b64decode(signature["sig"]), text.encode(), ECDSA(SHA256()))


async def test_metadata_have_the_signature_of_the_release_at_once(world: World) -> None:
    await world.push(bala(GREET))
    found = await metadata(world)
    digest = found["digest"].removeprefix("sha-256=")
    await require_valid(world, found["signatures"], GREET, digest)
    with pytest.raises(InvalidSignature):
        await require_valid(world, found["signatures"], GREET, "00" * 32)


async def test_the_index_line_has_the_same_signature(world: World) -> None:
    await world.push(bala(GREET))
    await world.push(bala("acme/greet:1.1.0"))
    lines = (await world.get(f"{URL}/index/acme/greet/index.json")).text.splitlines()
    first, second = [json.loads(line)["signatures"] for line in lines]
    assert first == (await metadata(world))["signatures"]
    assert second == (await metadata(world, "/packages/acme/greet/1.1.0"))["signatures"] != first


@pytest.mark.parametrize("suffix", ["", ".sha1", ".sha256"])
async def test_the_maven_repository_has_the_signature_beside_the_archive(
    world: World, suffix: str
) -> None:
    await world.push(bala(GREET))
    file = f"{URL}/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala.ballroom-sig"
    answer = await world.get(file + suffix)
    assert answer.status_code == 200, answer.text
    if not suffix:
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json() == (await metadata(world))["signatures"]


async def test_a_repeated_push_leaves_the_signature(world: World) -> None:
    archive = bala(GREET)
    await world.push(archive)
    before = await metadata(world)
    await world.push(archive)
    assert (await metadata(world))["signatures"] == before["signatures"]


async def test_a_change_of_the_release_leaves_the_signature(world: World) -> None:
    await world.push(bala(GREET))
    before = (await metadata(world))["signatures"]
    await world.java(world.people.ann).deprecate(GREET, "use another")
    after = await metadata(world)
    assert after["isDeprecated"] is True
    assert after["signatures"] == before


async def test_the_page_names_the_signature_and_its_key(world: World) -> None:
    await world.push(bala(GREET))
    [signature] = (await metadata(world))["signatures"]
    page = await world.get(f"{URL}/packages/acme/greet/1.0.0")
    assert signature["sig"] in page.text
    assert "/api/v1/keys" in page.text


async def test_without_a_key_nothing_is_published_and_reads_go_on(
    worlds: OpenWorld, tmp_path: Path
) -> None:
    file = release_key_file(tmp_path, FakeClock())

    def without_key(stores: Adapters) -> Adapters:
        signer = ReleaseSigner(file.read, stores.clock, list[KeyTrouble]().append)
        return replace(stores, release_signer=signer)

    world = await worlds(wrap=without_key)
    with pytest.raises(ClientFailure, match="no key to sign releases with: there is none yet"):
        await world.push(bala(GREET))
    assert (await world.get("/packages?q=greet")).json()["packages"] == []
    assert (await world.get(f"{URL}/health/ready")).status_code == 200
    assert (await world.get(f"{URL}/api/v1/keys")).status_code == 503
    file.make_missing()
    world.clock.advance(RETRY_AFTER)
    await world.push(bala(GREET))
    assert len((await metadata(world))["signatures"]) == 1


async def test_the_origin_of_a_release_has_the_signature(world: World) -> None:
    await world.push(bala(GREET))
    origin = await world.get(f"{URL}/api/v1/packages/acme/greet/1.0.0/origin")
    assert origin.json()["signatures"] == (await metadata(world))["signatures"]


async def test_everybody_reads_the_keys_where_only_signed_in_people_read(
    worlds: OpenWorld,
) -> None:
    world = await worlds(readers="signed_in")
    [key] = await keys(world)
    assert key["keyid"].startswith("SHA256:")
    assert key["keytype"] == key["scheme"] == "ecdsa-sha2-nistp256"
    assert key["since"] == "2026-09-01T00:00:00Z"
    assert key["expires"] is None
