"""An organization requires that CI publishes its releases: who sets it, and what a push reads."""

from typing import Any

import pytest

from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.trusted_publishing import TrustedPublishingWorld, trusting
from tests.support.world import MAVEN, URL, OpenWorld, Person

SETTING = "/api/v1/orgs/acme/required-provenance"
CI: dict[str, Any] = {"requiresProvenance": "ci"}
REFUSAL = (
    "acme requires that CI publishes its releases, so no stored token can push acme/greet:1.0.0. "
    "Publish from the workflow of a trusted publisher, or ask an owner to change what acme "
    f"requires at {URL}/account/organizations/acme/settings#provenance"
)


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    return await trusting(worlds)


async def require(trust: TrustedPublishingWorld, what: str = "ci") -> None:
    ann = await signed_in(trust.world, trust.world.people.ann)
    answer = await ann.api("PUT", SETTING, {"requiresProvenance": what})
    assert answer.status_code == 200, answer.text
    assert answer.json()["requiresProvenance"] == what


@pytest.mark.parametrize("required", ["ci", "sigstore"])
async def test_a_stored_token_cannot_push_and_reads_why(
    trust: TrustedPublishingWorld, required: str
) -> None:
    await require(trust, required)
    with pytest.raises(ClientFailure, match="acme requires that CI publishes its releases"):
        await trust.world.push(bala("acme/greet:1.0.0"))
    assert (await trust.world.get("/packages/acme/greet/1.0.0")).status_code == 404


async def test_a_job_of_a_trusted_publisher_publishes(trust: TrustedPublishingWorld) -> None:
    await require(trust)
    await trust.add()
    await trust.world.push(bala("acme/greet:1.0.0"), by=await trust.job())
    assert (await trust.world.get("/packages/acme/greet/1.0.0")).status_code == 200


async def test_members_publish_again_when_provenance_is_no_longer_required(
    trust: TrustedPublishingWorld,
) -> None:
    await require(trust)
    await require(trust, "none")
    await trust.world.push(bala("acme/greet:1.0.0"))
    assert (await trust.world.get("/packages/acme/greet/1.0.0")).status_code == 200


async def test_a_repeated_push_of_what_is_there_needs_no_provenance(
    trust: TrustedPublishingWorld,
) -> None:
    archive = bala("acme/greet:1.0.0")
    await trust.world.push(archive)
    await require(trust)
    await trust.world.push(archive)


async def test_a_stored_token_adds_no_bill_of_materials_and_repeats_the_one_that_is_there(
    trust: TrustedPublishingWorld,
) -> None:
    await require(trust)
    await trust.add()
    await trust.world.push(bala("acme/greet:1.0.0"), by=await trust.job())
    assert (await put_sbom(trust, trust.world.people.ann)).status_code == 403
    assert (await trust.world.get(SBOM)).status_code == 404
    for by in (await trust.job(), trust.world.people.ann):
        assert (await put_sbom(trust, by)).status_code == 201


SBOM = f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.cdx.json"


async def put_sbom(trust: TrustedPublishingWorld, by: Person) -> Any:
    content = b'{"bomFormat": "CycloneDX"}'
    return await trust.world.send("PUT", SBOM, by=by, content=content)


async def test_a_dry_run_finds_what_a_push_reads(trust: TrustedPublishingWorld) -> None:
    await require(trust)
    answer = await trust.world.send(
        "POST",
        f"{URL}/api/v1/dry-run",
        by=trust.world.people.ann,
        headers=FORM,
        content=multipart("x.bala", bala("acme/greet:1.0.0")),
    )
    assert answer.status_code == 200, answer.text
    found = {each["rule"]: each for each in answer.json()["findings"]}
    assert found["provenance-required"]["severity"] == "error"
    assert found["provenance-required"]["message"] == REFUSAL


async def test_the_log_says_what_was_required_before_and_after(
    trust: TrustedPublishingWorld,
) -> None:
    await require(trust)
    await require(trust)  # Changes nothing.
    [changed] = [each for each in await trust.log() if each.kind == "organization.changed"]
    assert changed.details == {
        "requires_provenance_before": "none",
        "requires_provenance_after": "ci",
    }


async def test_only_an_owner_who_signed_in_recently_sets_it(trust: TrustedPublishingWorld) -> None:
    world = trust.world
    for person, status in ((world.people.mia, 403), (world.people.bob, 404)):
        refused = await (await signed_in(world, person)).api("PUT", SETTING, CI)
        assert refused.status_code == status
    by_token = await world.send("PUT", f"{URL}{SETTING}", by=world.people.ann, json=CI)
    assert by_token.status_code == 403
    shown = await world.get(f"{URL}/api/v1/orgs/acme", by=world.people.ann)
    assert shown.json()["requiresProvenance"] == "none"


async def test_an_owner_sets_it_on_the_page_of_settings(trust: TrustedPublishingWorld) -> None:
    page = "/account/organizations/acme"
    ann = await signed_in(trust.world, trust.world.people.ann, f"{page}/settings")
    sent = await ann.submit(f"{page}/required-provenance", requires_provenance="ci")
    assert sent.status_code == 303, ann.text
    assert '<option value="ci" selected>' in ann.text
