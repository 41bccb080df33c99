"""Apps of one registry that divide its requests: an app for reads, one for uploads, one for all
other changes."""

from typing import get_args

import pytest

from functions.faces import build_app
from shared.domain.body_sizes import MAX_BODY_BYTES
from shared.hosting.triggers import functions_of
from shared.settings.server import AppRole
from tests.support.archives import bala
from tests.support.world import BASE, MAVEN, URL, OpenWorld, World

GREET = "acme/greet:1.0.0"
LARGE = bala("acme/large:1.0.0", padding=MAX_BODY_BYTES + 1)


@pytest.fixture
async def reads(worlds: OpenWorld) -> World:
    return await worlds(app_role="reads")


async def test_the_app_for_reads_answers_reads_and_takes_small_bodies(reads: World) -> None:
    # Its edge sends it no pushes, and an app that got one would do no harm with it.
    await reads.push(bala(GREET))
    assert (await reads.get("/packages/acme/greet/1.0.0")).status_code == 200
    asked = b'{"packages": [{"org": "acme", "name": "greet", "version": "1.0.0"}]}'
    answer = await reads.send("POST", "/packages/resolve-dependencies", content=asked)
    assert answer.status_code == 200
    assert answer.json()["resolved"]


async def test_a_large_push_is_refused_with_the_way_out(reads: World) -> None:
    answer = await reads.http.post(
        f"{BASE}/packages",
        headers={"Authorization": f"Bearer {reads.people.ann.token}"},
        files={"bala-file": ("a.bala", LARGE)},
    )
    assert answer.status_code == 400  # `bal` prints the message of no other status.
    assert "takes 131,072 at most, because another one takes uploads" in answer.text


async def test_a_large_upload_of_maven_is_refused(reads: World) -> None:
    url = f"{MAVEN}/acme/large/1.0.0/large-1.0.0.bala"
    answer = await reads.send("PUT", url, by=reads.people.ann, content=LARGE)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("role", "has_timer"), [("reads", False), ("uploads", False), ("changes", True), ("all", True)]
)
async def test_the_timer_stays_with_the_changes_and_every_operation_is_in_each_app(
    worlds: OpenWorld, role: str, *, has_timer: bool
) -> None:
    opened = await worlds(app_role=role)
    all_functions = functions_of(build_app((await worlds()).registry))
    functions = functions_of(build_app(opened.registry))
    assert bool(functions.timers) == has_timer
    assert len(functions.http) == len(all_functions.http)


@pytest.mark.parametrize("role", ["uploads", "all"])
async def test_an_app_that_takes_archives_takes_large_ones(worlds: OpenWorld, role: str) -> None:
    await (await worlds(app_role=role)).push(LARGE)


@pytest.mark.parametrize("role", get_args(AppRole))
async def test_an_app_says_which_one_it_is(worlds: OpenWorld, role: str) -> None:
    answer = await (await worlds(app_role=role)).get(f"{URL}/health/ready")
    assert (answer.status_code, answer.json()["app"]) == (200, role)
