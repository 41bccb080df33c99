"""The files of the transparency log, as verifiers read them (c2sp.org/tlog-tiles)."""

import pytest

from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.log_policies import LogPolicy
from shared.domain.transparency.notes import Cosigner, SignedNote
from shared.domain.transparency.tiles import entries_of, hashes_of
from tests.contract.sample_records import event
from tests.support.archives import bala
from tests.support.log_checker import naive_entries_root
from tests.support.published_logs import ORIGIN, write_log
from tests.support.small_logs import SEED
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured


WITNESS = Cosigner("witness.example.org", SEED).verifier.text
POLICY = f"witness w {WITNESS} https://witness.example.org\nquorum w\n"


async def checkpoint_of(world: World) -> Checkpoint:
    note = SignedNote.parse((await world.get(f"{URL}/log/checkpoint")).text)
    return Checkpoint.parse(note.text)


async def test_before_its_first_checkpoint_a_log_says_so(world: World) -> None:
    answer = await world.get(f"{URL}/log/checkpoint")
    assert answer.status_code == 404
    assert "no checkpoint yet" in answer.text
    assert (await world.get(f"{URL}/log/policy")).status_code == 200


async def test_the_checkpoint_verifies_by_the_policy_and_is_kept_for_seconds(
    world: World,
) -> None:
    await write_log(world)
    answer = await world.get(f"{URL}/log/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=2"
    policy = LogPolicy.parse((await world.get(f"{URL}/log/policy")).text)
    assert policy.quorum == "none"
    assert [each.url for each in policy.logs] == [f"{URL}/log"]
    checkpoint = policy.verified(SignedNote.parse(answer.text))
    assert checkpoint.origin == ORIGIN
    assert checkpoint.size == len(await world.stores.events.since(0, 1_000))


async def test_its_entries_lead_to_the_signed_root(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world)
    checkpoint = await checkpoint_of(world)
    tile = f"000.p/{checkpoint.size}"
    bundle = await world.get(f"{URL}/log/tile/entries/{tile}")
    assert bundle.headers["content-type"] == "application/octet-stream"
    assert bundle.headers["cache-control"] == "public, max-age=60"
    assert naive_entries_root(entries_of(bundle.content)) == checkpoint.root
    hashes = hashes_of((await world.get(f"{URL}/log/tile/0/{tile}")).content)
    assert len(hashes) == checkpoint.size


async def test_full_tiles_are_kept_for_ever(world: World) -> None:
    for number in range(256):
        await world.stores.events.append([event(f"e{number}")])
    await write_log(world)
    for path in ("0/000", "entries/000"):
        answer = await world.get(f"{URL}/log/tile/{path}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = await world.get(
            f"{URL}/log/tile/{path}", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert again.status_code == 304
        # Otherwise a cache could keep this refusal for everybody.
        beyond = {"Range": "bytes=99999999-"}
        refused = await world.get(f"{URL}/log/tile/{path}", headers=beyond)
        assert refused.status_code == 416
        assert refused.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    ["0/999", "0/000.p/999", "0/0", "x/000", "entries", "0/x000/000", "99/000"],
)
async def test_other_paths_are_missing_and_kept_by_no_cache(world: World, path: str) -> None:
    await write_log(world)
    answer = await world.get(f"{URL}/log/tile/{path}")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


async def test_the_policy_has_the_witnesses_of_the_setting(worlds: OpenWorld) -> None:
    world = await worlds(log_witnesses=POLICY)
    policy = LogPolicy.parse((await world.get(f"{URL}/log/policy")).text)
    assert [each.key.text for each in policy.witnesses] == [WITNESS]
    assert policy.quorum == "w"
    assert len(policy.logs) == 1
    assert WITNESS in (await world.get(f"{URL}/about/log")).text.replace("&#43;", "+")


async def test_where_only_people_who_signed_in_read_tiles_take_credentials(
    worlds: OpenWorld,
) -> None:
    closed = await worlds(readers="signed_in")
    await write_log(closed)
    size = (await checkpoint_of(closed)).size
    path = f"{URL}/log/tile/0/000.p/{size}"
    assert (await closed.get(path)).status_code == 401
    read = await closed.get(path, by=closed.people.mia)
    assert read.status_code == 200
    assert "no-store" in read.headers["cache-control"]
    assert (await closed.get(f"{URL}/log/policy")).status_code == 200
