"""A log whose tiles were lost, and the one that follows it, as they are served and verified."""

import asyncio
import json
from pathlib import Path

import pytest

from shared.domain.errors.transparency import LogStopped
from shared.domain.transparency.checkpoints import checkpoint_of
from shared.domain.transparency.log_policies import LogPolicy
from shared.domain.transparency.log_proofs import LogProof
from shared.domain.transparency.tiles import entries_of
from shared.services.transparency.log_mending import MendingWay
from shared.services.transparency.release_proofs import STATE_CACHED_FOR
from shared.verify import VerifyOptions, run
from tests.support.archives import bala
from tests.support.log_files import LogTreeFiles, ServedLog, serving
from tests.support.published_logs import ORIGIN, write_log
from tests.support.world import BASE, URL, OpenWorld, World

pytestmark = pytest.mark.measured


FOLLOWING = "registry.test/logs/log2"
PROOF = "api/v1/log/proof/acme/greet/1.0.0"


async def lose_tiles(world: World) -> bytes:
    """Lose the tiles of the log, and mend it; return the checkpoint that was published last."""
    last = (await world.get(f"{URL}/log/checkpoint")).content
    for path in ("log/tile/0/000", "log/tile/entries/000"):
        await world.stores.log_files.delete_partials(path)
    await world.push(bala("acme/later:1.0.0"))
    with pytest.raises(LogStopped):
        await write_log(world)
    mending = world.registry.transparency.mending
    plan = await mending.plan()
    assert plan is not None
    assert plan.way is MendingWay.REPLACE
    await mending.mend(plan)
    await write_log(world)
    return last


async def served(world: World, *paths: str) -> dict[str, bytes]:
    """Return what the registry serves of logs of less than 256 entries, by the paths."""
    asked = ["log/policy"]
    for path in paths:
        size = checkpoint_of((await world.get(f"{URL}/{path}/checkpoint")).content).size
        asked += [f"{path}/checkpoint", f"{path}/policy"]
        asked += [f"{path}/tile/{each}/000.p/{size}" for each in ("0", "entries")]
    answers = {path: await world.get(f"{URL}/{path}") for path in asked}
    return {path: each.content for path, each in answers.items() if each.status_code == 200}


async def test_who_kept_the_old_checkpoint_verifies_the_new_log(
    world: World, tmp_path: Path
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world)
    site = ServedLog(LogTreeFiles([]), 0)
    printed = list[str]()
    with serving(site) as address:
        asked = VerifyOptions(address, state=str(tmp_path / "state"))
        site.files = await served(world, "log")
        assert await asyncio.to_thread(run, asked, {}, printed.append) == 0
        await world.push(bala("acme/greet:1.1.0"))
        await write_log(world)
        last = await lose_tiles(world)
        site.files = await served(world, "log", "logs/log2")
        assert not [path for path in site.files if path.startswith("log/tile/")]
        printed.clear()
        assert await asyncio.to_thread(run, asked, {}, printed.append) == 0, printed
        follows, *_ = printed
        assert follows.startswith(f"The log {ORIGIN} ended with ")
        assert f"and {FOLLOWING} follows it. It has all of the " in follows
        printed.clear()
        assert await asyncio.to_thread(run, asked, {}, printed.append) == 0
        assert not [line for line in printed if "ended" in line]
    [bundle] = [each for path, each in site.files.items() if "log2/tile/entries" in path]
    first = json.loads(entries_of(bundle)[0])
    assert (first["kind"], first["log"]) == ("log.replaced", ORIGIN)
    assert first["checkpoint"].encode() == last == site.files["log/checkpoint"]


async def test_everything_names_the_log_that_is_written(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world)
    before = LogProof.parse((await world.get(f"{URL}/{PROOF}")).text)
    await lose_tiles(world)
    world.clock.advance(STATE_CACHED_FOR)
    policy = LogPolicy.parse((await world.get(f"{URL}/log/policy")).text)
    assert [each.url for each in policy.logs] == [f"{URL}/logs/log2"]
    assert {each.key.name for each in policy.logs} == {FOLLOWING}
    assert (await world.get(f"{URL}/logs/log2/policy")).text == policy.text
    found = (await world.get(f"{URL}/{PROOF}", headers={"Accept": "application/json"})).json()
    proof = LogProof.parse(found["proof"])
    assert proof.require(found["entry"].encode(), policy).origin == FOLLOWING
    assert proof.index == before.index + 1
    metadata = (await world.get(f"{BASE}/packages/acme/greet/1.0.0")).json()
    assert metadata["transparencyLog"] == {"index": proof.index, "proof": proof.text}
    page = (await world.get(f"{URL}/packages/acme/greet/1.0.0")).text
    assert f"line {proof.index + 1} of the" in page
    about = (await world.get(f"{URL}/about/log")).text
    assert f"<code>{FOLLOWING}</code>" in about
    assert 'href="/logs/log2/checkpoint"' in about
    assert f'<a href="/log/checkpoint"><code>{ORIGIN}</code></a>' in about


async def test_metadata_that_had_a_proof_names_the_following_log_after_a_minute(
    world: World,
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world)
    metadata = f"{BASE}/packages/acme/greet/1.0.0"
    before = (await world.get(metadata)).json()["transparencyLog"]
    await lose_tiles(world)
    world.clock.advance(STATE_CACHED_FOR)
    after = (await world.get(metadata)).json()["transparencyLog"]
    assert LogProof.parse(after["proof"]).checkpoint.text.startswith(f"{FOLLOWING}\n")
    assert after["index"] == before["index"] + 1


async def test_each_log_has_one_address(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world)
    await lose_tiles(world)
    for path in ("logs/log2/checkpoint", "logs/log2/policy"):
        assert (await world.get(f"{URL}/{path}")).status_code == 200
    for folder in ("log", "log3", "log02", "x"):
        for path in ("checkpoint", "policy", "tile/0/000.p/1"):
            answer = await world.get(f"{URL}/logs/{folder}/{path}")
            assert answer.status_code == 404
            assert answer.headers["cache-control"] == "no-store"


async def test_where_only_people_who_signed_in_read_its_tiles_take_credentials(
    worlds: OpenWorld,
) -> None:
    closed = await worlds(readers="signed_in")
    await closed.push(bala("acme/greet:1.0.0"))
    await write_log(closed)
    await lose_tiles(closed)
    files = await served(closed, "logs/log2")
    assert set(files) == {"log/policy", "logs/log2/checkpoint", "logs/log2/policy"}
    size = checkpoint_of(files["logs/log2/checkpoint"]).size
    tile = f"{URL}/logs/log2/tile/0/000.p/{size}"
    assert (await closed.get(tile)).status_code == 401
    assert (await closed.get(tile, by=closed.people.mia)).status_code == 200
