"""`bal push` asks for the exact version first, then sends the archive; only a 204 is a success."""

import asyncio

import pytest

from shared.auth.access_tokens import AccessToken
from shared.domain.coordinates import Package
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from tests.fakes.system import FakeRandomness
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.okhttp import FORM, multipart
from tests.protocol.central.answers import refused
from tests.support.archives import Spec, bala, files, zipped
from tests.support.storage import one_instance
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured


async def test_a_push_asks_for_the_version_and_then_sends_the_archive(ann: JavaBal) -> None:
    await ann.push("acme/greet:1.0.0", bala("acme/greet:1.0.0"))
    assert [(each.method, each.status) for each in ann.wire.exchanges] == [
        ("GET", 404),
        ("POST", 204),
    ]
    assert ann.printed == ["acme/greet:1.0.0 pushed to central successfully"]


@pytest.mark.parametrize("path", ["/packages", "/packages/"])
async def test_a_push_is_answered_with_204_and_nothing_else(world: World, path: str) -> None:
    form = multipart("acme-greet-any-1.0.0.bala", bala("acme/greet:1.0.0"))
    answer = await world.send("POST", path, by=world.people.ann, headers=FORM, content=form)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("layout", [3, 4])
@pytest.mark.parametrize("platform", ["linux", "java", "java021", "JAVA21", "go1", "go1.026"])
async def test_a_push_for_a_platform_that_no_client_knows_is_refused(
    ann: JavaBal, platform: str, layout: int
) -> None:
    with pytest.raises(ClientFailure) as shown:
        await ann.send_archive(
            "acme/native:1.0.0", bala("acme/native:1.0.0", platform=platform, layout=layout)
        )
    reason = str(shown.value)
    assert f"says platform {platform}, and clients know any, java21" in reason
    assert "Build for one of them and pack again." in reason
    assert await ann.versions("acme/native") == []


async def test_a_body_without_the_part_is_refused_with_its_name(world: World) -> None:
    answer = await world.upload(
        multipart("greet.bala", bala("acme/greet:1.0.0"), part="bala"), by=world.people.ann
    )
    assert "bala-file" in refused(answer, 400)


@pytest.mark.parametrize("is_live", [True, False])
async def test_an_archive_with_a_token_is_refused_with_file_and_line(
    world: World, ann: JavaBal, is_live: bool
) -> None:
    unused = AccessToken.mint(world.registry.settings.environment, "0123456789", FakeRandomness())
    token = world.people.mia.token if is_live else unused.text.reveal()
    archive = bala("acme/greet:1.0.0", entries={"docs/push.sh": f"#!/bin/sh\nTOKEN={token}\n"})
    with pytest.raises(ClientFailure) as shown:
        await ann.push("acme/greet:1.0.0", archive)
    reason = shown.value.reason or ""
    assert reason.startswith("docs/push.sh contains an access token of this registry in line 2,")
    assert token[:20] not in reason
    assert await ann.versions("acme/greet") == []


async def test_an_archive_with_a_text_like_a_token_is_accepted(ann: JavaBal) -> None:
    example = f"blr_local_{'x' * 48}"
    await ann.push("acme/greet:1.0.0", bala("acme/greet:1.0.0", readme=f"Set {example}.\n"))
    assert await ann.versions("acme/greet") == ["1.0.0"]


@pytest.mark.parametrize(
    ("version", "reason"), [("1.0.2147483648", "2147483647"), ("1.0.0+build", "build metadata")]
)
async def test_a_version_that_no_java_client_reads_is_refused(
    world: World, version: str, reason: str
) -> None:
    with pytest.raises(ClientFailure, match=reason):
        await world.push(bala(f"acme/greet:{version}"))


async def test_what_is_built_into_the_go_toolchain_is_no_missing_dependency(
    worlds: OpenWorld,
) -> None:
    world = await worlds(require_dependencies=True)
    built_in = ["ballerina/io:0.0.1", "ballerina/math.vector:0.0.1"]
    await world.push(bala("acme/app:1.0.0", layout=4, dependencies=built_in))
    missing = [*built_in, "ballerina/io_x:0.0.2", "acme/greet:0.0.1"]
    with pytest.raises(ClientFailure, match=r"registry: ballerina/io_x:0.0.2, acme/greet:0.0.1. "):
        await world.push(bala("acme/app:1.1.0", layout=4, dependencies=missing))
    with pytest.raises(ClientFailure, match=r"registry: ballerina/io:0.0.1. "):
        await world.push(bala("acme/app:1.1.0", dependencies=["ballerina/io:0.0.1"]))


async def test_every_missing_dependency_is_named_and_no_other(worlds: OpenWorld) -> None:
    world = await worlds(require_dependencies=True)
    await world.push(bala("acme/greet:1.0.0"))
    wanted = ["acme/greet:1.0.0", "acme/greet:2.0.0", "ballerina/io:1.6.0"]
    with pytest.raises(ClientFailure) as shown:
        await world.push(bala("acme/app:1.0.0", dependencies=wanted))
    assert (
        "acme/app:1.0.0 depends on packages that are not in this registry: acme/greet:2.0.0, "
        "ballerina/io:1.6.0. Push them first, or correct Dependencies.toml."
    ) in (shown.value.reason or "")


async def test_a_private_package_of_others_is_a_missing_dependency_like_any(
    worlds: OpenWorld,
) -> None:
    world = await worlds(require_dependencies=True)
    await world.push(bala("acme/secret:1.0.0", visibility="private"), by=world.people.ann)
    await world.push(bala("acme/app:1.0.0", dependencies=["acme/secret:1.0.0"]))
    for version in ("1.0.0", "2.0.0"):
        archive = bala("other/app:1.0.0", dependencies=[f"acme/secret:{version}"])
        with pytest.raises(ClientFailure, match=f"not in this registry: acme/secret:{version}"):
            await world.push(archive, by=world.people.bob)


async def test_a_push_is_repeated_after_its_dependency_became_private(worlds: OpenWorld) -> None:
    world = await worlds(require_dependencies=True)
    await world.push(bala("acme/greet:1.0.0"))
    archive = bala("other/app:1.0.0", dependencies=["acme/greet:1.0.0"])
    await world.push(archive, by=world.people.bob)
    greet = Package.parse("acme", "greet")
    await world.registry.packages.visibility.change(
        greet, Visibility.PRIVATE, by=OPERATOR, reason="It was decided."
    )
    await world.push(archive, by=world.people.bob)


@one_instance("each process counts what it has in hand")
async def test_uploads_above_what_a_process_has_in_hand_are_refused_with_a_time_to_retry(
    worlds: OpenWorld,
) -> None:
    world = await worlds(max_archive_bytes=200_000, max_archives_in_hand=1)
    archives = [bala(f"acme/greet{number}:1.0.0", padding=150_000) for number in range(3)]
    forms = [multipart("greet.bala", each) for each in archives]
    answers = await asyncio.gather(*(world.upload(form, by=world.people.ann) for form in forms))
    assert sorted(each.status_code for each in answers) == [204, 503, 503]
    for answer in answers:
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) > 0
            assert "room for a few large uploads at a time, and others take all" in answer.text


async def test_a_package_of_submodules_alone_is_taken_and_its_modules_are_found(
    world: World,
) -> None:
    content = files("acme/greet:1.0.0", Spec(modules=["a"]))
    del content["modules/greet/greet.bal"]
    await world.push(zipped(content))
    assert (await world.java().pull("acme/greet:1.0.0")).content == zipped(content)
    asked = [{"organization": "acme", "moduleName": "greet.a"}]
    [found] = (await world.java().resolve_modules(asked))["resolvedModules"]
    assert (found["packageName"], found["version"]) == ("greet", "1.0.0")
    await world.document()
    assert (await world.get(f"{URL}/packages/acme/greet/1.0.0/docs/greet.a")).status_code == 200
    assert (await world.get(f"{URL}/packages/acme/greet")).status_code == 200
