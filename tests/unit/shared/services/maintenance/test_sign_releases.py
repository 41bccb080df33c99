"""Releases of earlier versions of the registry get their signatures, each by one write."""

import base64
import json
from datetime import timedelta

from shared.domain.packages import Release
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.services.maintenance.sign_releases import SignReleases
from shared.services.maintenance.tasks import require_task
from tests.contract.sample_records import coordinate
from tests.support.archives import bala
from tests.support.world import URL, World

GREET = "acme/greet:1.0.0"
NEWER = "acme/greet:1.1.0"


async def stored(world: World, text: str = GREET) -> Release:
    found = await world.stores.metadata.find(coordinate(text))
    assert found.release is not None
    return found.release


async def forget(world: World, text: str) -> Release:
    """Take the signature from a release, as one of an earlier version has none."""
    release = await stored(world, text)
    without = release.model_copy(update={"signatures": ()})
    replaced = await world.stores.metadata.replace_release(without)
    await world.registry.packages.derived_data.rebuild(replaced.coordinate.package)
    return replaced


async def run(world: World) -> tuple[int, int]:
    report = await world.registry.maintenance.task_runner.run("sign-releases")
    assert report is not None
    return report.seen, report.changed


async def test_releases_without_a_signature_get_one_by_one_write(world: World) -> None:
    await world.push(bala(GREET))
    await world.push(bala(NEWER))
    signed = (await stored(world)).signatures
    before = await forget(world, GREET)
    assert "signatures" not in (await world.get("/packages/acme/greet/1.0.0")).json()
    assert await run(world) == (2, 1)
    now = await stored(world)
    assert now.signatures == signed
    assert now.revision == before.revision + 1
    assert now.changed_ms == before.changed_ms
    assert now.outbox == ()
    assert (await stored(world, NEWER)).revision == 1
    assert (await world.get("/packages/acme/greet/1.0.0")).json()["signatures"]
    assert (
        '"signatures"'
        in (await world.get("https://registry.test/index/acme/greet/index.json")).text
    )


async def test_releases_without_statements_get_them_marked_as_made_later(world: World) -> None:
    await world.push(bala(GREET))
    before = await stored(world)
    await world.stores.documents.delete(before.archive_digest)
    without = before.model_copy(update={"statements": ""})
    await world.stores.metadata.replace_release(without)
    await world.registry.packages.derived_data.rebuild(before.coordinate.package)
    path = f"{URL}/api/v1/provenance/acme/greet/1.0.0"
    assert (await world.get(path)).json() == {"statements": [], "bundles": []}
    assert await run(world) == (1, 1)
    [envelope] = (await world.get(path)).json()["statements"]
    assert json.loads(base64.b64decode(envelope["payload"]))["predicate"]["later"] is True
    assert (await stored(world)).signatures == before.signatures
    assert await run(world) == (0, 0)


async def test_a_release_that_is_erased_while_it_is_signed_leaves_no_statements(
    world: World,
) -> None:
    await world.push(bala(GREET))
    unsigned = await forget(world, GREET)
    task = require_task(world.registry.maintenance.tasks, "sign-releases")
    assert isinstance(task, SignReleases)
    erasure = world.registry.publishing.erasure
    await erasure.erase(coordinate(GREET), "a secret", by=OPERATOR)
    # The task read the release before the erasure, and writes after it.
    assert await task.sign_release(unsigned) is False
    assert await world.stores.documents.attestations(unsigned.archive_digest) == {}


async def test_a_release_whose_erasure_is_not_complete_gets_no_statements(world: World) -> None:
    await world.push(bala(GREET))
    unsigned = await forget(world, GREET)
    task = require_task(world.registry.maintenance.tasks, "sign-releases")
    assert isinstance(task, SignReleases)
    await world.registry.publishing.moderation.remove(coordinate(GREET), "a secret", by=OPERATOR)
    # The erasure has deleted the documents, and not noted yet that all is gone.
    await world.stores.documents.delete(unsigned.archive_digest)
    assert await task.sign_release(unsigned) is False
    assert await world.stores.documents.attestations(unsigned.archive_digest) == {}


async def test_a_registry_in_which_all_are_signed_is_visited_once_a_day(world: World) -> None:
    await world.push(bala(GREET))
    assert await run(world) == (1, 0)
    await forget(world, GREET)
    assert await run(world) == (0, 0)
    world.clock.advance(timedelta(days=1))
    assert await run(world) == (1, 1)


async def test_a_run_that_was_stopped_before_the_lists_is_completed(world: World) -> None:
    await world.push(bala(GREET))
    unsigned = await forget(world, GREET)
    # The release was written, and its entry was not.
    signed = world.stores.release_signer.attested(unsigned).release
    await world.stores.metadata.replace_release(signed)
    assert await run(world) == (1, 0)
    [survey] = await world.stores.metadata.survey([signed.coordinate.package])
    assert survey is not None
    assert survey.entries[0].signatures == signed.signatures


async def test_an_erased_release_has_no_signature_and_gets_none(world: World) -> None:
    await world.push(bala(GREET))
    erasure = world.registry.publishing.erasure
    await erasure.erase(coordinate(GREET), "a secret", by=OPERATOR)
    release = await stored(world)
    assert release.state is State.REMOVED
    assert release.signatures == ()
    assert await run(world) == (1, 0)
    assert (await stored(world)).signatures == ()
