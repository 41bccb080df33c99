"""Java computes digests as numbers, so leading zeros are missing; Go compares texts."""

import hashlib
from itertools import count

import pytest

from tests.protocol.bal.java import ACCEPT_ARCHIVE, JavaBal
from tests.protocol.bal.okhttp import java_digest, multipart
from tests.protocol.central.answers import refused
from tests.support.archives import bala
from tests.support.world import World

pytestmark = pytest.mark.measured


def with_leading_zero_byte() -> bytes:
    """Return an archive whose SHA-256 begins with two zeros."""
    for attempt in count():
        archive = bala("acme/zero:1.0.0", summary=f"Attempt {attempt}.")
        if hashlib.sha256(archive).digest()[0] == 0:
            return archive
    raise AssertionError


ZERO = with_leading_zero_byte()


async def test_a_digest_without_its_leading_zeros_is_accepted_on_push(ann: JavaBal) -> None:
    assert len(java_digest(ZERO)) < 64
    await ann.push("acme/zero:1.0.0", ZERO)


async def test_an_archive_that_was_damaged_on_the_way_is_not_stored(
    world: World, ann: JavaBal
) -> None:
    announced = {"digest": f"sha-256={java_digest(bala('acme/zero:1.0.0'))}"}
    answer = await world.upload(multipart("z.bala", ZERO), by=world.people.ann, headers=announced)
    assert "It was damaged on the way; push it again." in refused(answer, 400)
    assert await ann.versions("acme/zero") == []


async def test_each_client_gets_the_digest_as_it_computes_it(world: World, ann: JavaBal) -> None:
    await world.push(ZERO)
    gopher = world.go()
    for client in (ann, gopher):
        await client.pull("acme/zero:1.0.0")
        assert client.printed == []


@pytest.mark.parametrize("platform", ["", "any", "go1.26", "any,go1.26"])
async def test_a_client_that_names_no_java_platform_gets_all_digits(
    world: World, platform: str
) -> None:
    await world.push(ZERO)
    headers = dict(ACCEPT_ARCHIVE) | ({"Ballerina-Platform": platform} if platform else {})
    answer = await world.get("/packages/acme/zero/1.0.0", headers=headers)
    assert answer.headers["digest"] == f"sha-256={hashlib.sha256(ZERO).hexdigest()}"


async def test_the_package_model_holds_all_digits(world: World, ann: JavaBal) -> None:
    await world.push(ZERO)
    model = await ann.metadata("acme/zero:1.0.0")
    assert model["digest"] == f"sha-256={hashlib.sha256(ZERO).hexdigest()}"
