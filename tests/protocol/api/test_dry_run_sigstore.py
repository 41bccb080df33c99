"""A dry run checks a Sigstore bundle as a push does, and stores nothing of it."""

from typing import Any

import pytest

from shared.confined.jobs import ConfinedUnavailable
from shared.domain.names import parse_org
from shared.domain.packages import RequiredProvenance
from shared.services.organizations.organizations import OrganizationProfile
from tests.support.archives import bala
from tests.support.sigstore_instances import SigstoreInstance
from tests.support.sigstore_pushes import FORM, GREET, form, hex_of, push, push_form
from tests.support.trusted_publishing import TrustedPublishingWorld
from tests.support.world import URL, Person

DRY_RUN = f"{URL}/api/v1/dry-run"
ARCHIVE = bala(GREET)


async def found(
    trust: TrustedPublishingWorld, bundle: object, by: Person | None = None
) -> list[dict[str, Any]]:
    """Return the findings on the archive with a bundle; None is no bundle."""
    sent = form(**{"bala-file": ARCHIVE}) if bundle is None else push_form(ARCHIVE, bundle)
    who = by or await trust.job()
    answer = await trust.world.send("POST", DRY_RUN, by=who, content=sent, headers=FORM)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["may_publish"] is all(each["severity"] != "error" for each in said["findings"])
    return said["findings"]


async def test_a_bundle_that_verifies_has_no_finding_and_is_not_stored(
    trust: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    assert await found(trust, public.bundle(hex_of(ARCHIVE))) == []
    provenance = await trust.world.get(f"{URL}/api/v1/provenance/acme/greet/1.0.0")
    assert provenance.status_code == 404


async def test_a_bundle_that_does_not_verify_is_an_error_in_the_words_of_a_push(
    trust: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    other = public.bundle("0" * 64)
    [finding] = await found(trust, other)
    assert (finding["severity"], finding["rule"]) == ("error", "sigstore-not-verified")
    refused = await push(trust, ARCHIVE, other)
    assert finding["message"] in refused.json()["message"]


async def test_a_person_has_no_job_to_compare_the_bundle_with(
    trust: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    bundle = public.bundle(hex_of(ARCHIVE))
    [finding] = await found(trust, bundle, trust.world.people.ann)
    assert (finding["severity"], finding["rule"]) == ("error", "sigstore-without-publisher")


async def test_a_bundle_for_a_release_that_is_an_hour_old_comes_too_late(
    trust: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    await trust.world.push(ARCHIVE, by=await trust.job())
    bundle = public.bundle(hex_of(ARCHIVE))
    assert [each["rule"] for each in await found(trust, bundle)] == ["published"]
    trust.world.clock.at_ms += 3_600_001
    rules = [each["rule"] for each in await found(trust, bundle)]
    assert rules == ["published", "sigstore-too-late"]


async def test_the_bundle_that_an_organization_requires_is_missed(
    trust: TrustedPublishingWorld, public: SigstoreInstance
) -> None:
    profile = OrganizationProfile(requires_provenance=RequiredProvenance.SIGSTORE)
    organizations = trust.world.registry.organizations.organizations
    await trust.world.push(bala("acme/other:1.0.0"))
    await organizations.change(parse_org("acme"), profile, by=trust.owner)
    [finding] = await found(trust, None)
    assert (finding["severity"], finding["rule"]) == ("warning", "release-awaits-sigstore")
    assert await found(trust, public.bundle(hex_of(ARCHIVE))) == []


async def test_a_bundle_that_could_not_be_checked_is_a_note(
    trust: TrustedPublishingWorld, public: SigstoreInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(*_: Any) -> None:
        raise ConfinedUnavailable

    bundles = trust.world.registry.publishing.releases.sigstore_bundles
    monkeypatch.setattr(type(bundles.confined), "run", run)
    rules = [
        (each["severity"], each["rule"])
        for each in await found(trust, public.bundle(hex_of(ARCHIVE)))
    ]
    assert ("note", "sigstore-not-checked") in rules
