"""The trusted root of Sigstore's public good instance is renewed once a bundle came."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.confined import trusted_roots
from shared.domain.provenance.trusted_roots import PUBLIC_GOOD_ROOT_PLACE, PublicGoodRoot
from shared.domain.tasks import TaskReport
from shared.services.maintenance.tasks import require_task
from tests.support.archives import bala
from tests.support.sigstore_instances import SigstoreInstance
from tests.support.sigstore_pushes import GREET, hex_of, push
from tests.support.trusted_publishing import TrustedPublishingWorld, trusting
from tests.support.tuf_repositories import TufRepository
from tests.support.world import OpenWorld, World

TASK = "renew-sigstore-root"


@pytest.fixture
def instance() -> SigstoreInstance:
    return SigstoreInstance.public_good()


@pytest.fixture
def repository(instance: SigstoreInstance, monkeypatch: pytest.MonkeyPatch) -> TufRepository:
    made = TufRepository(instance.trusted_root)
    monkeypatch.setattr(trusted_roots, "embedded_tuf_root", lambda: made.first_root)
    return made


async def asked_once(world: World) -> None:
    """Leave what the first bundle leaves."""
    await world.stores.directory.add(PublicGoodRoot(wanted_ms=1))


async def run(world: World) -> TaskReport:
    return await require_task(world.registry.maintenance.tasks, TASK).run()


async def stored(world: World) -> PublicGoodRoot:
    found = await world.stores.directory.get(PublicGoodRoot, PUBLIC_GOOD_ROOT_PLACE)
    assert found is not None
    return found


@pytest.fixture
async def world(worlds: OpenWorld, repository: TufRepository) -> World:
    return await worlds(wrap=lambda stores: replace(stores, fetcher=repository))


async def test_nothing_is_fetched_before_a_bundle_came(
    world: World, repository: TufRepository
) -> None:
    assert await run(world) == TaskReport(0, 0)
    assert repository.asked == []


async def test_nothing_is_fetched_where_the_operator_has_files(
    worlds: OpenWorld, repository: TufRepository, instance: SigstoreInstance, tmp_path: Path
) -> None:
    roots = instance.write_root(tmp_path / "roots.jsonl")
    world = await worlds(
        wrap=lambda stores: replace(stores, fetcher=repository), sigstore_roots=str(roots)
    )
    await asked_once(world)
    assert await run(world) == TaskReport(0, 0)
    assert repository.asked == []


async def test_the_root_is_renewed_and_verifies_bundles(
    worlds: OpenWorld, instance: SigstoreInstance, repository: TufRepository
) -> None:
    trust = await trusting(worlds)
    await trust.add()
    archive = bala(GREET)
    bundle = instance.bundle(hex_of(archive))
    refused = await push(trust, archive, bundle)
    assert "which no trusted root of this registry has" in refused.json()["message"]

    await renew(trust, repository)
    assert (await push(trust, archive, bundle)).status_code == 204


async def renew(trust: TrustedPublishingWorld, repository: TufRepository) -> None:
    """Renew the root from the repository, which the world does not reach."""
    renewal = trust.world.registry.publishing.trusted_root_renewal
    renewed = await replace(renewal, fetcher=repository).renew()
    assert renewed is not None
    assert renewed.failure == ""


async def test_a_newer_root_replaces_the_last_one(
    world: World, instance: SigstoreInstance, repository: TufRepository
) -> None:
    await asked_once(world)
    assert await run(world) == TaskReport(1, 1)
    first = await stored(world)
    repository.rotate()
    instance.authority_ends = None
    repository.publish(SigstoreInstance.public_good().trusted_root)
    assert await run(world) == TaskReport(1, 1)
    second = await stored(world)
    assert second.root != first.root
    assert "2.root.json" in second.metadata
    # Only what is new was fetched.
    repository.asked.clear()
    await run(world)
    assert not any(url.endswith("/2.root.json") for url in repository.asked)


async def test_the_last_root_stays_if_it_cannot_be_renewed(
    world: World, repository: TufRepository
) -> None:
    await asked_once(world)
    await run(world)
    last = await stored(world)
    repository.is_down = True
    report = await run(world)
    assert report.problems == ("The trusted root of Sigstore was not renewed: the cable is cut.",)
    after = await stored(world)
    assert (after.root, after.failure) == (last.root, "the cable is cut")


async def test_a_root_that_the_library_cannot_read_yet_does_not_replace_the_last_one(
    world: World, instance: SigstoreInstance, repository: TufRepository
) -> None:
    await asked_once(world)
    await run(world)
    last = await stored(world)
    newer = "application/vnd.dev.sigstore.trustedroot.v9+json"
    repository.publish({**instance.trusted_root, "mediaType": newer})
    [problem] = (await run(world)).problems
    assert "its trusted root cannot be read by this version of the registry" in problem
    assert (await stored(world)).root == last.root


async def test_metadata_that_is_older_expired_or_of_somebody_else_is_refused(
    world: World, instance: SigstoreInstance, repository: TufRepository
) -> None:
    await asked_once(world)
    old = dict(repository.files)
    repository.publish(instance.trusted_root)
    await run(world)
    last = await stored(world)

    repository.files = old
    [problem] = (await run(world)).problems
    assert "version" in problem

    repository.publish(instance.trusted_root, valid=timedelta(days=-1))
    repository.publish(instance.trusted_root, valid=timedelta(days=-1))
    [problem] = (await run(world)).problems
    assert "expired" in problem

    repository.files = TufRepository(instance.trusted_root).files
    assert (await run(world)).problems
    repository.files = {"timestamp.json": b"x" * 100_000}
    assert (await run(world)).problems
    assert (await stored(world)).root == last.root
