"""Signatures of releases: wherever a release is described, and verified as a stranger does it."""

import base64
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.support.archives import bala
from tests.support.world import URL, World

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


async def test_everybody_reads_the_keys_where_only_signed_in_people_read(worlds: Any) -> None:
    world = await worlds(readers="signed_in")
    [key] = await keys(world)
    assert key["keyid"].startswith("SHA256:")
    assert key["keytype"] == key["scheme"] == "ecdsa-sha2-nistp256"
    assert key["since"] == "2026-09-01T00:00:00Z"
    assert key["expires"] is None
