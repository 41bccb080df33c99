"""The proof that the log has a release: by the API, in its metadata and on its page."""

import asyncio
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from shared.domain.entities import Entity, Place
from shared.domain.errors.requests import StorageFull
from shared.domain.principals import OPERATOR
from shared.domain.transparency.encodings import base64_of
from shared.domain.transparency.log_policies import LogPolicy
from shared.domain.transparency.log_proofs import LogProof
from shared.domain.transparency.log_states import PLACE_OF_STATE, LogState, Segment
from shared.domain.transparency.records import (
    FirstCheckpoint,
    ReleaseProof,
    first_checkpoint_place,
    id_of_log,
)
from shared.ports.directory import DirectoryStore
from shared.services.limits.notices import ReadOnlyMode
from shared.services.transparency.published_checkpoints import PublishedCheckpoints
from shared.services.transparency.release_proofs import ReleaseProofs
from tests.contract.sample_records import coordinate
from tests.support.archives import bala
from tests.support.published_logs import ORIGIN, write_log
from tests.support.world import BASE, URL, OpenWorld, World

pytestmark = pytest.mark.measured


PROOF = f"{URL}/api/v1/log/proof/acme/greet/1.0.0"
METADATA = f"{BASE}/packages/acme/greet/1.0.0"
PAGE = f"{URL}/packages/acme/greet/1.0.0"
LOGGED = timedelta(seconds=6)  # So long an answer without a proof is repeated at most.
AS_JSON = {"Accept": "application/json"}


class NoEvents:
    """The feed for a process that must not ask it."""

    async def find(self, event_id: str, at_ms: int) -> NoReturn:
        raise AssertionError(event_id)


class FullDirectory:
    """A directory on a full disk."""

    def __init__(self, directory: DirectoryStore) -> None:
        self.get = directory.get

    async def add(self, entity: Entity) -> NoReturn:
        raise StorageFull


def another_process(world: World, events: Any = None, directory: Any = None) -> ReleaseProofs:
    """Return the proofs of a process that has nothing in memory."""
    return ReleaseProofs(
        directory=directory or world.stores.directory,
        events=events or world.stores.events,
        reader=world.registry.transparency.reader,
        published=PublishedCheckpoints(directory=world.stores.directory),
        read_only_mode=ReadOnlyMode(notice_cache=world.registry.limits.notice_cache),
        clock=world.clock,
    )


async def proofs_stored(world: World) -> list[ReleaseProof]:
    return await world.stores.directory.list_all(ReleaseProof, Place(""), 10)


async def test_until_a_release_is_logged_everything_says_so(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    answer = await world.get(PROOF)
    assert answer.status_code == 404
    assert "is being logged" in answer.text
    assert "transparencyLog" not in (await world.get(METADATA)).json()
    assert "Being logged" in (await world.get(PAGE)).text
    page = await world.get(f"{PAGE}/proof")
    assert "This release is being logged" in page.text
    assert (page.headers["refresh"], page.headers["cache-control"]) == ("3", "no-store")


async def test_a_logged_release_is_proven(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    before = (await world.get(METADATA)).json()
    await write_log(world)
    answer = await world.get(PROOF)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    proof = LogProof.parse(answer.text)
    found = (await world.get(PROOF, headers=AS_JSON)).json()
    assert found["proof"] == answer.text
    policy = LogPolicy.parse((await world.get(f"{URL}/log/policy")).text)
    checkpoint = proof.require(found["entry"].encode(), policy)
    assert found["size"] == checkpoint.size
    assert f'"sha256:{found["digest"]}"' in found["entry"]
    world.clock.advance(LOGGED)
    metadata = (await world.get(METADATA)).json()
    assert metadata.pop("transparencyLog") == {"index": proof.index, "proof": answer.text}
    assert metadata == before


async def test_a_proof_never_changes_though_the_log_becomes_longer(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world)
    first = (await world.get(PROOF)).text
    for minor in range(1, 4):
        await world.push(bala(f"acme/greet:1.{minor}.0"))
        await write_log(world)
    assert (await world.get(PROOF)).text == first
    sizes = set[int]()
    for minor in range(4):
        answer = await world.get(f"{URL}/api/v1/log/proof/acme/greet/1.{minor}.0", headers=AS_JSON)
        sizes.add(answer.json()["size"])
    assert len(sizes) == 4


async def test_the_proof_of_a_new_release_is_stored_when_the_log_is_written(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/greet:1.1.0"))
    await world.create_organization("hidden")
    assert await proofs_stored(world) == []
    await write_log(world)
    stored = await proofs_stored(world)
    assert len(stored) == 2
    for each in stored:  # Who finds none makes the same.
        await world.stores.directory.remove(each)
    for minor in range(2):
        at = coordinate(f"acme/greet:1.{minor}.0")
        found = (await world.stores.metadata.find(at)).release
        assert found is not None
        assert await another_process(world).find(found) is not None
    again = await proofs_stored(world)
    assert [each.proof for each in again] == [each.proof for each in stored]


async def test_the_proof_is_stored_once_and_another_process_reads_it(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    found = (await world.stores.metadata.find(coordinate("acme/greet:1.0.0"))).release
    assert found is not None
    assert await another_process(world).find(found) is None
    await write_log(world, keeps_proofs=False)
    assert await proofs_stored(world) == []
    one = await world.registry.transparency.proofs.find(found)
    [stored] = await proofs_stored(world)
    # From now on a process asks for nothing else.
    two = await another_process(world, events=NoEvents()).find(found)
    assert one is not None
    assert one == two
    assert stored.proof == one.proof.text
    assert stored.entry == one.entry.decode()
    assert await proofs_stored(world) == [stored]


async def test_of_two_processes_at_once_one_stores_the_proof(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world, keeps_proofs=False)
    release = (await world.stores.metadata.find(coordinate("acme/greet:1.0.0"))).release
    assert release is not None
    found = await asyncio.gather(*(another_process(world).find(release) for _ in range(4)))
    assert len(await proofs_stored(world)) == 1
    assert found[0] is not None
    assert found == [found[0]] * 4


async def test_a_stored_proof_that_does_not_verify_is_not_given(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world)
    proof = (await world.get(PROOF)).text
    [stored] = await proofs_stored(world)
    for changed in ({"entry": stored.entry.replace("acme", "evil")}, {"proof": "damaged"}):
        await world.stores.directory.put(stored.model_copy(update=changed))
        release = (await world.stores.metadata.find(coordinate("acme/greet:1.0.0"))).release
        assert release is not None
        found = await another_process(world).find(release)
        assert found is not None
        assert found.proof.text == proof


async def test_a_proof_that_cannot_be_stored_is_given(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world, keeps_proofs=False)
    release = (await world.stores.metadata.find(coordinate("acme/greet:1.0.0"))).release
    assert release is not None
    on_full_disk = another_process(world, directory=FullDirectory(world.stores.directory))
    found = await on_full_disk.find(release)
    assert found is not None
    assert await proofs_stored(world) == []
    assert (await world.get(PROOF)).text == found.proof.text


async def test_no_proof_is_stored_in_read_only_mode(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world, keeps_proofs=False)
    await world.registry.limits.notices.enter_read_only_mode("Moving.", by=OPERATOR)
    assert (await world.get(PROOF)).status_code == 200
    assert await proofs_stored(world) == []


async def test_no_list_changes_with_the_proof(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    lists = (f"{BASE}/packages/acme/greet", f"{URL}/index/acme/greet/index.json")
    before = [await world.get(each) for each in lists]
    await write_log(world)
    assert (await world.get(PROOF)).status_code == 200
    world.clock.advance(LOGGED)
    after = [await world.get(each) for each in lists]
    for one, two in zip(before, after, strict=True):
        assert one.content == two.content
        assert one.headers.get("etag") == two.headers.get("etag")


async def test_the_page_draws_the_way_to_the_signed_hash(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world)
    found = (await world.get(PROOF, headers=AS_JSON)).json()
    line = f"This release is line {found['index'] + 1} of the"
    of_package = (await world.get(PAGE)).text
    assert line in of_package
    assert '<a href="/packages/acme/greet/1.0.0/proof">How that is proven</a>' in of_package
    answer = await world.get(f"{PAGE}/proof")
    assert "refresh" not in answer.headers
    page = answer.text
    assert line in page
    assert "Others see only a hash" not in page
    hashes = LogProof.parse(found["proof"]).hashes
    assert hashes
    assert f'<svg viewBox="0 0 330 {60 * len(hashes) + 34}"' in page
    for each in hashes:
        assert base64_of(each) in page.replace("&#43;", "+")


async def test_a_private_release_is_proven_to_its_members_alone(world: World) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    await write_log(world)
    address = f"{URL}/api/v1/log/proof/acme/secret/1.0.0"
    for nobody in (None, world.people.bob):
        assert (await world.get(address, by=nobody)).status_code == 404
    found = await world.get(address, by=world.people.mia, headers=AS_JSON)
    assert found.status_code == 200
    assert "secret" not in found.json()["entry"]
    for path in ("", "/1.0.0/proof"):
        page = await world.get(f"{URL}/packages/acme/secret{path}", by=world.people.mia)
        assert "Others see only a hash of this line." in page.text


async def test_a_release_that_waited_for_an_owner_is_proven_by_its_confirmation(
    worlds: OpenWorld,
) -> None:
    world = await worlds(brake_packages=1)
    await world.push(bala("acme/first:1.0.0"))
    await world.push_held(bala("acme/greet:1.0.0"))
    owner = world.fresh(world.people.ann)
    await write_log(world)
    held = (await world.stores.metadata.find(coordinate("acme/greet:1.0.0"))).release
    assert held is not None
    commitment = await world.registry.transparency.proofs.find(held)
    assert commitment is not None
    assert not commitment.says_published
    assert ["first" in each.entry for each in await proofs_stored(world)] == [True]
    await world.registry.publishing.held_releases.confirm(coordinate("acme/greet:1.0.0"), by=owner)
    await write_log(world)
    entry = (await world.get(PROOF, headers=AS_JSON)).json()["entry"]
    assert '"kind":"release.published"' in entry


async def test_where_the_first_checkpoint_is_lost_that_of_now_proves_a_release(
    world: World,
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await write_log(world, keeps_proofs=False)
    log = id_of_log(ORIGIN)
    first = await world.stores.directory.get(FirstCheckpoint, first_checkpoint_place(log))
    assert first is not None
    await world.stores.directory.remove(first)
    await world.push(bala("acme/greet:1.1.0"))
    await write_log(world, keeps_proofs=False)
    found = (await world.get(PROOF, headers=AS_JSON)).json()
    policy = LogPolicy.parse((await world.get(f"{URL}/log/policy")).text)
    LogProof.parse(found["proof"]).require(found["entry"].encode(), policy)
    assert found["size"] > first.size


async def test_the_entry_of_another_event_is_never_given_as_the_proof(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/greet:1.1.0"))
    await write_log(world, keeps_proofs=False)
    # As after a restore, until the log is mended: entries have the numbers of events that are lost.
    state = await world.stores.directory.get(LogState, PLACE_OF_STATE)
    assert state is not None
    await world.stores.directory.replace(state.model_copy(update={"segments": (Segment(1, 1),)}))
    for each in (None, AS_JSON):
        answer = await world.get(PROOF, headers=each)
        assert answer.status_code == 503
        assert "does not lead to the root" in answer.text
    assert "transparencyLog" not in (await world.get(METADATA)).json()
