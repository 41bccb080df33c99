"""Sigstore bundles that come with a push, as the part provenance."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.domain.principals import OPERATOR
from shared.domain.provenance.sigstore_identities import MAX_SIGSTORE_BUNDLE_BYTES
from shared.services.provenance.sigstore_bundles import SigstoreBundle, SigstoreBundles
from tests.contract.sample_records import coordinate
from tests.support.archives import bala
from tests.support.sigstore_instances import LogKind, SigstoreInstance
from tests.support.sigstore_pushes import FORM, GREET, form, hex_of, opened, push
from tests.support.storage import one_instance
from tests.support.trusted_publishing import TrustedPublishingWorld
from tests.support.world import URL, OpenWorld

PROVENANCE = f"{URL}/api/v1/provenance/acme/greet/1.0.0"


@pytest.fixture(params=["public-good", "public-good-v2", "github"])
def instance(request: pytest.FixtureRequest) -> SigstoreInstance:
    if request.param == "github":
        return SigstoreInstance.github()
    log = LogKind.REKOR_V2 if request.param.endswith("v2") else LogKind.REKOR_V1
    return SigstoreInstance.public_good(log)


async def test_a_bundle_of_the_job_is_verified_and_served(
    worlds: OpenWorld, tmp_path: Path, instance: SigstoreInstance
) -> None:
    trust = await opened(worlds, tmp_path, instance)
    archive = bala(GREET)
    bundle = instance.bundle(hex_of(archive))
    answer = await push(trust, archive, bundle)
    assert answer.status_code == 204, answer.text

    served = (await trust.world.get(PROVENANCE)).json()
    assert served["bundles"] == [bundle]
    origin = (await trust.world.get(f"{URL}/api/v1/packages/acme/greet/1.0.0/origin")).json()
    assert origin["sigstore"] == ("github" if instance.log is LogKind.NONE else "public-good")

    again = await push(trust, archive, bundle)
    assert again.status_code == 204, again.text


@one_instance("each counts what it read by itself")
async def test_a_push_that_adds_a_bundle_is_not_counted_as_a_repeat(
    worlds: OpenWorld, tmp_path: Path
) -> None:
    public = SigstoreInstance.public_good()
    trust = await opened(worlds, tmp_path, public, limit_write="token=1")
    archive = bala(GREET)
    job = await trust.job()
    bundle = public.bundle(hex_of(archive))
    alone = form(**{"bala-file": archive})
    answers = [await trust.world.upload(alone, by=job, headers=FORM)]
    answers += [await push(trust, archive, bundle, job) for _ in range(3)]
    assert [each.status_code for each in answers] == [204, 204, 204, 429]


async def test_a_bundle_that_does_not_verify_refuses_the_push(
    worlds: OpenWorld, tmp_path: Path, instance: SigstoreInstance
) -> None:
    trust = await opened(worlds, tmp_path, instance)
    archive = bala(GREET)
    for bundle, reason in (
        (instance.bundle("0" * 64), "it is about another file"),
        (instance.bundle(hex_of(archive), claims={15: "99"}), "its id of the repository is '99'"),
        (b"{}", "it is no Sigstore bundle that this registry can read"),
        (b" " * (MAX_SIGSTORE_BUNDLE_BYTES + 1), "Sigstore bundle"),
    ):
        answer = await push(trust, archive, bundle)
        assert answer.status_code == 400
        assert reason in answer.json()["message"]
    assert (await trust.world.get(PROVENANCE)).status_code == 404


async def test_the_bundle_of_an_earlier_release_is_about_another_file(
    trust: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    first = bala(GREET)
    bundle = public.bundle(hex_of(first))
    assert (await push(trust, first, bundle)).status_code == 204
    job = await trust.job(
        ref="refs/tags/v1.1.0",
        workflow_ref="octo/greet/.github/workflows/release.yml@refs/tags/v1.1.0",
    )
    answer = await push(trust, bala("acme/greet:1.1.0"), bundle, job)
    assert answer.status_code == 400
    assert "acme/greet:1.1.0 does not verify" in answer.json()["message"]


@pytest.mark.parametrize("content", [b"a page of a proxy", b"[]", b"{}"])
async def test_roots_that_cannot_be_read_are_no_fault_of_the_bundle(
    trust: TrustedPublishingWorld, public: SigstoreInstance, tmp_path: Path, content: bytes
) -> None:
    archive = bala(GREET)
    (tmp_path / "roots.jsonl").write_bytes(content)
    answer = await push(trust, archive, public.bundle(hex_of(archive)))
    assert answer.status_code == 503
    assert "BALLROOM_SIGSTORE_ROOTS" in answer.json()["message"]
    assert (await trust.world.get(PROVENANCE)).status_code == 404
    public.write_root(tmp_path / "roots.jsonl")
    again = await push(trust, archive, public.bundle(hex_of(archive)))
    assert again.status_code == 204, again.text


async def test_a_person_has_no_job_to_compare_a_bundle_with(
    trust: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    archive = bala(GREET)
    ann = trust.world.people.ann
    answer = await push(trust, archive, public.bundle(hex_of(archive)), ann)
    assert answer.status_code == 400
    assert "no trusted publisher published it" in answer.json()["message"]


async def test_the_clock_of_the_registry_does_not_matter(
    worlds: OpenWorld, tmp_path: Path, instance: SigstoreInstance
) -> None:
    trust = await opened(worlds, tmp_path, instance)
    archive = bala(GREET)
    trust.world.clock.at_ms += 3_600_000
    assert (await push(trust, archive, instance.bundle(hex_of(archive)))).status_code == 204


@pytest.mark.parametrize("is_complete", [True, False])
async def test_a_bundle_that_comes_during_an_erasure_leaves_nothing(
    trust: TrustedPublishingWorld, public: SigstoreInstance, is_complete: bool
) -> None:
    archive = bala(GREET)
    alone = form(**{"bala-file": archive})
    first = await trust.world.upload(alone, by=await trust.job(), headers=FORM)
    assert first.status_code == 204
    stores = trust.world.stores
    publishing = trust.world.registry.publishing
    release = (await stores.metadata.find(coordinate(GREET))).release
    assert release is not None
    if is_complete:
        await publishing.erasure.erase(coordinate(GREET), "a secret", by=OPERATOR)
    else:  # It has deleted the documents, and not noted yet that all is gone.
        await publishing.moderation.remove(coordinate(GREET), "a secret", by=OPERATOR)
        await stores.documents.delete(release.archive_digest)
    bundle = json.dumps(public.bundle(hex_of(archive))).encode()
    # The bundle was being verified when the release was erased.
    await publishing.releases.sigstore_bundles.add(bundle, release, by=OPERATOR)
    assert await stores.documents.attestations(release.archive_digest) == {}
    left = (await stores.metadata.find(coordinate(GREET))).release
    assert left is not None
    assert left.sigstore == ""


async def test_a_bundle_is_not_lost_in_a_race_with_a_push_without_one(
    trust: TrustedPublishingWorld, public: SigstoreInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = bala(GREET)
    job = await trust.job()
    verify = SigstoreBundles.verify

    async def overtaken(*arguments: Any) -> SigstoreBundle:
        monkeypatch.setattr(SigstoreBundles, "verify", verify)
        alone = form(**{"bala-file": archive})
        assert (await trust.world.upload(alone, by=job, headers=FORM)).status_code == 204
        return await verify(*arguments)

    monkeypatch.setattr(SigstoreBundles, "verify", overtaken)
    answer = await push(trust, archive, public.bundle(hex_of(archive)), job)
    assert answer.status_code == 204, answer.text
    origin = (await trust.world.get(f"{URL}/api/v1/packages/acme/greet/1.0.0/origin")).json()
    assert origin["sigstore"] == "public-good"
