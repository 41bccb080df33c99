"""Sigstore bundles beside the archive in the Maven repository, and organizations that require
them."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.names import parse_org
from shared.domain.packages import RequiredProvenance
from shared.domain.principals import OPERATOR
from shared.services.organizations.organizations import OrganizationProfile
from tests.support.archives import bala
from tests.support.sigstore_instances import SigstoreInstance
from tests.support.sigstore_pushes import FORM, GREET, form, hex_of, opened, push
from tests.support.trusted_publishing import TrustedPublishingWorld
from tests.support.world import MAVEN, URL, OpenWorld, Person

STEM = f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala"
BUNDLE = f"{STEM}.sigstore.json"
HOUR_MS = 3_600_000


async def put(
    trust: TrustedPublishingWorld, url: str, content: object, by: Person
) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return await trust.world.send("PUT", url, by=by, content=body)


async def sigstore_of(trust: TrustedPublishingWorld) -> str:
    answer = await trust.world.get(f"{URL}/api/v1/packages/acme/greet/1.0.0/origin")
    assert answer.status_code == 200, answer.text
    return answer.json()["sigstore"]


async def require_sigstore(trust: TrustedPublishingWorld) -> None:
    profile = OrganizationProfile(requires_provenance=RequiredProvenance.SIGSTORE)
    organizations = trust.world.registry.organizations.organizations
    await organizations.change(parse_org("acme"), profile, by=trust.owner)


@pytest.fixture
async def requiring(trust: TrustedPublishingWorld) -> TrustedPublishingWorld:
    """Return one whose acme requires a bundle of each release."""
    await require_sigstore(trust)
    return trust


async def test_a_bundle_comes_after_the_archive_and_is_served_with_checksums(
    trust: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    job = await trust.job()
    archive = bala(GREET)
    assert (await put(trust, STEM, archive, job)).status_code == 201
    assert (await trust.world.get(BUNDLE)).status_code == 404
    assert await sigstore_of(trust) == ""

    bundle = public.bundle(hex_of(archive))
    assert (await put(trust, BUNDLE, bundle, job)).status_code == 201
    served = await trust.world.get(BUNDLE)
    assert served.content == json.dumps(bundle).encode()
    checksum = await trust.world.get(f"{BUNDLE}.sha256")
    assert checksum.text == sha256(served.content).hexdigest()
    assert await sigstore_of(trust) == "public-good"
    assert (await put(trust, BUNDLE, bundle, job)).status_code == 201
    other = public.bundle(hex_of(archive))
    assert (await put(trust, BUNDLE, other, job)).status_code == 201
    assert (await trust.world.get(BUNDLE)).json() == bundle


async def test_a_bundle_that_does_not_verify_is_refused_alone(
    trust: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    job = await trust.job()
    archive = bala(GREET)
    await put(trust, STEM, archive, job)
    refused = await put(trust, BUNDLE, public.bundle("0" * 64), job)
    assert refused.status_code == 400
    assert "it is about another file" in refused.text
    assert await sigstore_of(trust) == ""
    assert (await trust.world.get(BUNDLE)).status_code == 404
    assert (await put(trust, BUNDLE, public.bundle(hex_of(archive)), job)).status_code == 201


async def test_a_bundle_is_refused_an_hour_after_the_archive(
    trust: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    archive = bala(GREET)
    await put(trust, STEM, archive, await trust.job())
    trust.world.clock.at_ms += HOUR_MS + 1
    late = await put(trust, BUNDLE, public.bundle(hex_of(archive)), await trust.job())
    assert late.status_code == 409
    assert "more than an hour ago" in late.text


async def test_bundles_need_a_release_and_a_job(
    trust: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    ann = trust.world.people.ann
    archive = bala(GREET)
    bundle = public.bundle(hex_of(archive))
    assert (await put(trust, BUNDLE, bundle, await trust.job())).status_code == 404
    await put(trust, STEM, archive, ann)
    without = await put(trust, BUNDLE, bundle, ann)
    assert without.status_code == 400
    assert "no trusted publisher published it" in without.text
    bob = trust.world.people.bob
    assert (await put(trust, BUNDLE, bundle, bob)).status_code == 403


async def test_a_release_is_held_until_the_bundle_came_that_its_organization_requires(
    requiring: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    archive = bala(GREET)
    job = await requiring.job()
    # Clients would not send the bundle after a refusal.
    assert (await put(requiring, STEM, archive, job)).status_code == 201
    origin = f"{URL}/api/v1/packages/acme/greet/1.0.0/origin"
    assert (await requiring.world.get(origin)).status_code == 404
    refused = await put(requiring, BUNDLE, public.bundle("0" * 64), job)
    assert refused.status_code == 400
    assert (await requiring.world.get(origin)).status_code == 404

    requiring.world.clock.at_ms += 3 * HOUR_MS  # A release that waits takes it at any time.
    job = await requiring.job()
    assert (await put(requiring, BUNDLE, public.bundle(hex_of(archive)), job)).status_code == 201
    assert await sigstore_of(requiring) == "public-good"


async def test_a_release_with_its_bundle_is_published_at_once_where_one_is_required(
    requiring: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    archive = bala(GREET)
    assert (await push(requiring, archive, public.bundle(hex_of(archive)))).status_code == 204
    assert await sigstore_of(requiring) == "public-good"


async def test_a_push_that_is_repeated_with_the_bundle_publishes_what_waited(
    requiring: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    archive = bala(GREET)
    job = await requiring.job()
    held = await requiring.world.upload(form(**{"bala-file": archive}), by=job, headers=FORM)
    assert held.status_code == 400
    assert "acme requires a Sigstore bundle of each release" in held.json()["message"]
    answer = await push(requiring, archive, public.bundle(hex_of(archive)), job)
    assert answer.status_code == 204, answer.text


async def test_a_release_of_a_burst_waits_for_its_bundle_after_an_owner_confirmed_it(
    worlds: OpenWorld, tmp_path: Path, public: SigstoreInstance
) -> None:
    trust = await opened(worlds, tmp_path, public, brake_releases=1)
    await require_sigstore(trust)
    first = bala(GREET)
    assert (await push(trust, first, public.bundle(hex_of(first)))).status_code == 204
    ref: dict[str, Any] = {
        "ref": "refs/tags/v1.1.0",
        "workflow_ref": "octo/greet/.github/workflows/release.yml@refs/tags/v1.1.0",
    }
    archive = bala("acme/greet:1.1.0")
    url = STEM.replace("1.0.0", "1.1.0")
    job = await trust.job(**ref)
    held = await put(trust, url, archive, job)
    assert "stored and held" in held.text
    assert "Sigstore" not in held.text
    held_releases = trust.world.registry.publishing.held_releases
    at = Coordinate.parse("acme", "greet", "1.1.0")
    confirmed = await held_releases.confirm(at, by=trust.owner)
    assert confirmed.is_held_for_sigstore
    workflow = f"https://github.com/{ref['workflow_ref']}"
    claims = {9: workflow, 18: workflow, 14: ref["ref"]}
    bundle = public.bundle(hex_of(archive), claims=claims)
    sent = await put(trust, f"{url}.sigstore.json", bundle, job)
    assert sent.status_code == 201, sent.text
    origin = f"{URL}/api/v1/packages/acme/greet/1.1.0/origin"
    assert (await trust.world.get(origin)).json()["sigstore"] == "public-good"


async def test_a_release_that_an_administrator_restores_still_waits_for_its_bundle(
    requiring: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    archive = bala(GREET)
    job = await requiring.job()
    await put(requiring, STEM, archive, job)
    moderation = requiring.world.registry.publishing.moderation
    at = Coordinate.parse("acme", "greet", "1.0.0")
    await moderation.hold(at, "A review.", by=OPERATOR)
    for _ in range(2):
        restored = await moderation.restore(at, by=OPERATOR)
        assert restored.is_held_for_sigstore
    assert (await requiring.world.get("/packages/acme/greet/1.0.0")).status_code == 404
    sent = await put(requiring, BUNDLE, public.bundle(hex_of(archive)), job)
    assert sent.status_code == 201, sent.text
    assert await sigstore_of(requiring) == "public-good"


async def test_owners_read_that_a_restored_release_waits_for_its_bundle(
    requiring: TrustedPublishingWorld,
) -> None:
    ann = requiring.world.people.ann.account
    await requiring.world.stores.directory.put(ann.model_copy(update={"email": "ann@example.org"}))
    await put(requiring, STEM, bala(GREET), await requiring.job())
    moderation = requiring.world.registry.publishing.moderation
    at = Coordinate.parse("acme", "greet", "1.0.0")
    await moderation.quarantine(at, "A review.", by=OPERATOR)
    await moderation.restore(at, by=OPERATOR)
    *_, mail = requiring.world.mailer.to("ann@example.org")
    assert mail.subject == "acme/greet:1.0.0 waits for its Sigstore bundle"
    assert "was restored" not in mail.text
