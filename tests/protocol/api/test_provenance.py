"""What vouches for a release: statements of the registry, verified as a stranger does it."""

import base64
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from shared.domain.coordinates import Package
from shared.domain.principals import OPERATOR
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.visibility import Visibility
from tests.contract.sample_records import coordinate
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.trusted_publishing import COMMIT, TrustedPublishingWorld, trusting
from tests.support.world import URL, OpenWorld, World

GREET = "acme/greet:1.0.0"
PROVENANCE = f"{URL}/api/v1/provenance/acme/greet/1.0.0"
RUN = "https://github.com/octo/greet/actions/runs/32291736541/attempts/2"


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    return await trusting(worlds)


async def publish_by_a_job(trust: TrustedPublishingWorld, text: str = GREET, **spec: Any) -> None:
    await trust.add()
    job = await trust.job()
    await trust.world.push(bala(text, **spec), by=job)


async def statements(world: World, url: str = PROVENANCE) -> list[dict[str, Any]]:
    """Return the statements about a release, each verified by the published keys."""
    answer = await world.get(url)
    assert answer.status_code == 200, answer.text
    return [await verified(world, each) for each in answer.json()["statements"]]


async def verified(world: World, envelope: dict[str, Any]) -> dict[str, Any]:
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    signed = b" ".join(
        [b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload]
    )
    keys = {each["keyid"]: each for each in (await world.get(f"{URL}/api/v1/keys")).json()["keys"]}
    [signature] = envelope["signatures"]
    public = load_der_public_key(base64.b64decode(keys[signature["keyid"]]["key"]))
    assert isinstance(public, EllipticCurvePublicKey)
    sig = base64.b64decode(signature["sig"])
    public.verify(sig, signed, ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(sig, signed + b" ", ECDSA(SHA256()))
    return json.loads(payload)


async def test_a_release_of_a_job_has_a_statement_of_its_run_and_one_of_its_archive(
    trust: TrustedPublishingWorld,
) -> None:
    await publish_by_a_job(trust)
    metadata = (await trust.world.get("/packages/acme/greet/1.0.0")).json()
    digest = metadata["digest"].removeprefix("sha-256=")
    of_release, of_run = await statements(trust.world)
    subject = [{"name": "greet-1.0.0.bala", "digest": {"sha256": digest}}]
    assert of_release == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": "https://in-toto.io/attestation/release/v0.2",
        "predicate": {"purl": "pkg:ballerina/acme/greet@1.0.0"},
    }
    assert of_run == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": "urn:ballroom:publish:v1",
        "predicate": {
            "coordinate": {"org": "acme", "name": "greet", "version": "1.0.0"},
            "digest": {"sha256": digest},
            "publishedAt": "2026-09-21T14:13:20Z",
            "claims": {
                "provider": "github",
                "issuer": "https://token.actions.githubusercontent.com",
                "repository": "octo/greet",
                "workflow": "release.yml",
                "ref": "refs/tags/v1.0.0",
                "commit": COMMIT,
                "run": RUN,
                "others": {
                    "repository_id": "74",
                    "repository_owner_id": "65",
                    "repository_visibility": "public",
                    "runner_environment": "github-hosted",
                },
            },
        },
    }


async def test_no_statement_says_who_started_the_run(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    job = await trust.job(Provider.GITHUB, actor_id="4711", actor="mona")
    await trust.world.push(bala(GREET), by=job)
    [_, of_run] = await statements(trust.world)
    assert "4711" not in json.dumps(of_run)
    assert "mona" not in json.dumps(of_run)


async def test_a_release_of_a_stored_token_has_a_statement_of_its_archive_alone(
    world: World,
) -> None:
    await world.push(bala(GREET))
    [of_release] = await statements(world)
    assert of_release["predicateType"] == "https://in-toto.io/attestation/release/v0.2"
    assert (await world.get(PROVENANCE)).json()["bundles"] == []


async def test_a_repeated_push_leaves_the_statements(world: World) -> None:
    archive = bala(GREET)
    await world.push(archive)
    before = (await world.get(PROVENANCE)).content
    await world.push(archive)
    assert (await world.get(PROVENANCE)).content == before


async def test_clients_that_know_the_answer_read_that_it_is_unchanged(world: World) -> None:
    await world.push(bala(GREET))
    whole = await world.get(PROVENANCE)
    assert whole.headers["content-type"] == "application/json"
    assert whole.headers["cache-control"] == "no-cache"
    known = await world.get(PROVENANCE, headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    head = await world.send("HEAD", PROVENANCE)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))


async def test_a_private_release_does_not_exist_for_strangers(world: World) -> None:
    await world.push(bala(GREET))
    ann = world.fresh(world.people.ann)
    visibility = world.registry.packages.visibility
    await visibility.change(Package.parse("acme", "greet"), Visibility.PRIVATE, by=ann)
    for stranger in (None, world.people.bob):
        hidden = await world.get(PROVENANCE, by=stranger)
        missing = await world.get(PROVENANCE.replace("greet", "grete"), by=stranger)
        assert hidden.status_code == missing.status_code == 404
        assert "etag" not in hidden.headers
        assert hidden.json()["error"]["code"] == missing.json()["error"]["code"]
    shown = await world.get(PROVENANCE, by=world.people.ann)
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "private, no-store"


async def test_an_erasure_leaves_no_statement_anywhere(trust: TrustedPublishingWorld) -> None:
    await publish_by_a_job(trust)
    world = trust.world
    at = coordinate(GREET)
    release = (await world.stores.metadata.find(at)).release
    assert release is not None
    documents = world.stores.documents
    await documents.put_attestation(release.archive_digest, "sigstore-x", b'{"a bundle": 1}')
    await documents.put_sbom(release.archive_digest, b"{}")
    assert len(await documents.attestations(release.archive_digest)) == 2
    events = await world.stores.events.since(0, 100)
    erasure = await world.registry.publishing.erasure.erase(at, "a secret", by=OPERATOR)
    assert any("statements, Sigstore bundles" in each for each in erasure.deleted)
    assert await documents.attestations(release.archive_digest) == {}
    assert await documents.sbom(release.archive_digest) is None
    left = (await world.stores.metadata.find(at)).release
    assert left is not None
    assert (left.signatures, left.statements, left.sigstore) == ((), "", "")
    assert (await world.get(PROVENANCE)).status_code == 404
    kept = await world.stores.events.since(0, 100)
    assert kept[: len(events)] == events  # Of which the leaves of the log are made.


async def test_the_origin_links_what_is_signed(trust: TrustedPublishingWorld) -> None:
    await publish_by_a_job(trust)
    origin = await trust.world.get(f"{URL}/api/v1/packages/acme/greet/1.0.0/origin")
    assert origin.json()["provenanceUrl"] == PROVENANCE


async def test_metadata_and_the_index_say_which_run_published_a_release(
    trust: TrustedPublishingWorld,
) -> None:
    await publish_by_a_job(trust)
    await trust.world.push(bala("acme/greet:1.1.0"))
    metadata = (await trust.world.get("/packages/acme/greet/1.0.0")).json()
    assert metadata["provenance"] == {
        "provider": "github",
        "issuer": "https://token.actions.githubusercontent.com",
        "repository": "octo/greet",
        "workflow": "release.yml",
        "ref": "refs/tags/v1.0.0",
        "commit": COMMIT,
        "runURL": RUN,
        "URL": PROVENANCE,
    }
    assert "provenance" not in (await trust.world.get("/packages/acme/greet/1.1.0")).json()
    index = await trust.world.get(f"{URL}/index/acme/greet/index.json")
    lines = {each["version"]: each for each in map(json.loads, index.text.splitlines())}
    assert lines["1.0.0"]["published_by_ci"] is True
    assert "published_by_ci" not in lines["1.1.0"]


async def test_two_pushes_at_once_leave_the_statements_of_the_one_that_won(
    trust: TrustedPublishingWorld,
) -> None:
    await publish_by_a_job(trust)
    world = trust.world
    before = await statements(world)
    release = (await world.stores.metadata.find(coordinate(GREET))).release
    assert release is not None
    other = release.model_copy(update={"created_ms": release.created_ms + 1})
    lost = world.stores.release_signer.attested(other)
    await world.stores.documents.put_attestation(other.archive_digest, lost.name, lost.statements)
    assert await statements(world) == before


async def test_a_person_reads_it_in_a_browser_session(trust: TrustedPublishingWorld) -> None:
    await publish_by_a_job(trust)
    ann = await signed_in(trust.world, trust.world.people.ann)
    assert (await ann.api("GET", "/api/v1/provenance/acme/greet/1.0.0")).status_code == 200


async def page(world: World, path: str = "/packages/acme/greet/1.0.0") -> str:
    answer = await world.get(f"{URL}{path}", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    return " ".join(answer.text.split())


async def test_the_page_says_which_commit_and_workflow_built_a_release(
    trust: TrustedPublishingWorld,
) -> None:
    await publish_by_a_job(trust)
    text = await page(trust.world)
    repository = "https://github.com/octo/greet"
    rel = 'rel="nofollow ugc noopener noreferrer"'
    workflow = f"{repository}/blob/{COMMIT}/.github/workflows/release.yml"
    assert (
        f'Built from commit <a href="{repository}/commit/{COMMIT}" {rel}>'
        f"<code>{COMMIT[:12]}</code></a> by workflow "
        f'<a href="{workflow}" {rel}><code>release.yml</code></a> of <strong>octo/greet</strong>.'
    ) in text
    assert "This shows where the release was built, not that it is good." in text
    assert 'href="/api/v1/provenance/acme/greet/1.0.0"' in text


async def test_pages_warn_of_a_release_that_lost_its_provenance(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.world.push(bala("acme/greet:0.9.0"))
    trust.world.clock.advance(timedelta(minutes=1))
    await publish_by_a_job(trust)
    trust.world.clock.advance(timedelta(minutes=1))
    await trust.world.push(bala("acme/greet:1.0.1"))
    lost = await page(trust.world, "/packages/acme/greet/1.0.1")
    assert "<strong>Not published from CI.</strong> Earlier versions were, the last one <a" in lost
    for version in ("0.9.0", "1.0.0"):
        assert "Provenance lost" not in await page(trust.world, f"/packages/acme/greet/{version}")
    rows = (await page(trust.world, "/packages/acme/greet/1.0.1/versions")).split("<tr")
    [of_lost] = [each for each in rows if '/1.0.1">1.0.1</a></th>' in each]
    [of_ci] = [each for each in rows if '/1.0.0">1.0.0</a></th>' in each]
    [before] = [each for each in rows if '/0.9.0">0.9.0</a></th>' in each]
    assert "Provenance lost" in of_lost
    assert '<span class="badge good">CI</span>' in of_ci
    assert "Provenance lost" not in before


async def test_the_page_says_what_the_organization_requires(trust: TrustedPublishingWorld) -> None:
    await publish_by_a_job(trust)
    ann = await signed_in(trust.world, trust.world.people.ann)
    setting = {"requiresProvenance": "ci"}
    await ann.api("PUT", "/api/v1/orgs/acme/required-provenance", setting)
    text = await page(trust.world)
    assert "acme requires CI to publish new releases." in text


@pytest.mark.parametrize("provider", [Provider.GITLAB, Provider.AZURE_DEVOPS])
async def test_the_page_links_what_the_provider_has(
    trust: TrustedPublishingWorld, provider: Provider
) -> None:
    await trust.add(provider=provider)
    await trust.world.push(bala(GREET), by=await trust.job(provider))
    text = await page(trust.world)
    built = text.partition("Built from commit")[2].partition("</p>")[0]
    links = re.findall(r'href="([^"]+)"', built)
    if provider is Provider.GITLAB:
        commit, workflow = links
        assert re.fullmatch(r"https://gitlab\.com/[\w/-]+/-/commit/\w+", commit)
        assert re.fullmatch(r"https://gitlab\.com/[\w/-]+/-/blob/\w+/[\w./-]+\.yml", workflow)
    else:
        assert links == []
