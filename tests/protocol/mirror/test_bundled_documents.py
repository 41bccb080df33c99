"""Bundles carry what vouches for releases, and an import verifies it before it stores anything."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.auth.p256 import PrivateKey, new_private_key
from shared.domain.archives.digests import Digest
from shared.domain.bundles import (
    DOCUMENTS,
    FORMAT_WITH_DOCUMENTS,
    WITHDRAWALS,
    BundledDocument,
    BundleManifest,
    DocumentKind,
    file_of,
    lines_of,
)
from shared.domain.coordinates import Coordinate
from shared.domain.provenance.dsse import IN_TOTO, pae
from shared.services.bundles.bundle_import import ImportReport, ImportStep
from tests.support.archives import bala
from tests.support.browsers import Browser
from tests.support.bundles import Carrier, Files, bundled
from tests.support.refusals import raises_refusal
from tests.support.sigstore_instances import SigstoreInstance
from tests.support.sigstore_pushes import hex_of, push
from tests.support.trusted_publishing import TrustedPublishingWorld, trusting
from tests.support.world import MAVEN, URL, OpenWorld, World

pytestmark = pytest.mark.measured

SOURCE = "https://source.test"
GREET = "tools/greet:1.0.0"
ARCHIVE = bala(GREET)
SBOM = json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}).encode()


@pytest.fixture
def carrier(tmp_path: Path) -> Carrier:
    return Carrier.new(tmp_path)


@pytest.fixture
async def source(
    worlds: OpenWorld, tmp_path: Path, public: SigstoreInstance
) -> TrustedPublishingWorld:
    """Return a registry with a release that has a Sigstore bundle and a bill of materials."""
    roots = public.write_root(tmp_path / "outside.jsonl")
    trust = await trusting(worlds, sigstore_roots=str(roots))
    await trust.world.create_organization("tools")
    await trust.add("tools/greet", by=trust.person(trust.world.people.admin))
    job = await trust.job()
    answer = await push(trust, ARCHIVE, public.bundle(hex_of(ARCHIVE)), job)
    assert answer.status_code == 204, answer.text
    sbom = f"{MAVEN}/tools/greet/1.0.0/greet-1.0.0.cdx.json"
    stored = await trust.world.send("PUT", sbom, by=job, content=SBOM)
    assert stored.status_code == 201, stored.text
    return trust


async def provenance_of(world: World) -> dict[str, Any]:
    answer = await world.get(f"{URL}/api/v1/provenance/tools/greet/1.0.0")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def empty_registry(worlds: OpenWorld, tmp_path: Path, *trusted: SigstoreInstance) -> World:
    roots = tmp_path / "inside.jsonl"
    [first, *others] = trusted or (SigstoreInstance.github(),)
    first.write_root(roots, *others)
    return await worlds(sigstore_roots=str(roots))


async def test_statements_bundles_and_bills_of_materials_reach_the_other_side(
    worlds: OpenWorld,
    tmp_path: Path,
    source: TrustedPublishingWorld,
    public: SigstoreInstance,
    carrier: Carrier,
) -> None:
    plan = await carrier.export(source.world, GREET)
    assert plan.manifest.format == FORMAT_WITH_DOCUMENTS
    target = await empty_registry(worlds, tmp_path, public)
    report = await carrier.deliver(target)
    assert (report.counts[ImportStep.IMPORTED], report.unverified) == (1, {})
    outside = await provenance_of(source.world)
    inside = await provenance_of(target)
    assert inside["bundles"] == outside["bundles"]
    assert inside["upstream"]["statements"] == outside["statements"]
    assert inside["upstream"]["registry"] == URL
    keys = (await source.world.get(f"{URL}/api/v1/keys")).json()["keys"]
    assert [each["key"] for each in inside["upstream"]["keys"]] == [each["key"] for each in keys]
    archive = Digest.of(ARCHIVE)
    assert await target.stores.documents.sbom(archive) == SBOM
    release = (await target.stores.metadata.find(Coordinate.from_text(GREET))).release
    assert release is not None
    assert (release.sigstore, release.by_ci) == ("public-good", False)
    page = (await Browser(target).open("/packages/tools/greet/1.0.0")).text
    assert "Verified with Sigstore" in page
    assert "Published with an access token" not in page


async def test_a_repeat_changes_nothing(
    worlds: OpenWorld,
    tmp_path: Path,
    source: TrustedPublishingWorld,
    public: SigstoreInstance,
    carrier: Carrier,
) -> None:
    await carrier.export(source.world, GREET)
    target = await empty_registry(worlds, tmp_path, public)
    await carrier.deliver(target)
    before = await provenance_of(target)
    report = await carrier.deliver(target)
    assert (report.counts[ImportStep.STORED], report.unverified) == (1, {})
    assert await provenance_of(target) == before


async def test_what_was_imported_can_be_carried_on(
    worlds: OpenWorld,
    tmp_path: Path,
    source: TrustedPublishingWorld,
    public: SigstoreInstance,
    carrier: Carrier,
) -> None:
    await carrier.export(source.world, GREET)
    between = await empty_registry(worlds, tmp_path, public)
    await carrier.deliver(between)
    await carrier.export(between, GREET)
    target = await empty_registry(worlds, tmp_path, public)
    report = await carrier.deliver(target)
    assert report.unverified == {}
    assert (await provenance_of(target))["upstream"] == (await provenance_of(between))["upstream"]


async def test_a_sigstore_bundle_of_roots_that_are_not_trusted_here_is_left_out_alone(
    worlds: OpenWorld, tmp_path: Path, source: TrustedPublishingWorld, carrier: Carrier
) -> None:
    await carrier.export(source.world, GREET)
    target = await empty_registry(worlds, tmp_path)
    report = await carrier.deliver(target)
    assert report.counts[ImportStep.IMPORTED] == 1
    assert "does not verify" in report.unverified[GREET]
    inside = await provenance_of(target)
    assert inside["bundles"] == []
    assert inside["upstream"]["statements"]


async def test_a_bundle_without_documents_has_the_format_of_earlier_versions(
    worlds: OpenWorld, tmp_path: Path, source: TrustedPublishingWorld, carrier: Carrier
) -> None:
    plan = await carrier.export(source.world, GREET, includes_documents=False)
    assert plan.manifest.format == 1
    target = await empty_registry(worlds, tmp_path)
    report = await carrier.deliver(target)
    assert report.counts[ImportStep.IMPORTED] == 1
    assert "upstream" not in await provenance_of(target)


async def test_a_release_that_comes_home_keeps_what_it_was_published_with(
    source: TrustedPublishingWorld, carrier: Carrier
) -> None:
    await carrier.export(source.world, GREET)
    before = await provenance_of(source.world)
    report = await carrier.deliver(source.world)
    assert report.counts[ImportStep.STORED] == 1
    assert await provenance_of(source.world) == before


# --- Hostile bundles -----------------------------------------------------------------------------


class Signer:
    """A key of some registry."""

    def __init__(self) -> None:
        self.key = PrivateKey(new_private_key())

    def statements(self, *statements: Mapping[str, Any], keys: bool = True) -> dict[str, Any]:
        return {
            "registry": SOURCE,
            "keys": [{"keyid": "a", "key": base64.b64encode(self.key.public).decode()}]
            if keys
            else [],
            "statements": [self._envelope(each) for each in statements],
        }

    def _envelope(self, statement: Mapping[str, Any]) -> dict[str, Any]:
        payload = json.dumps(statement).encode()
        signature = self.key.sign(pae(IN_TOTO, payload))
        return {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": IN_TOTO,
            "signatures": [{"keyid": "a", "sig": base64.b64encode(signature).decode()}],
        }


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "greet-1.0.0.bala", "digest": {"sha256": hex_of(ARCHIVE)}}],
        "predicateType": "https://in-toto.io/attestation/release/v0.2",
        "predicate": {"purl": "pkg:ballerina/tools/greet@1.0.0"},
        **changes,
    }


def with_documents(
    *documents: tuple[DocumentKind, bytes], about: str = GREET
) -> tuple[Files, BundleManifest]:
    """Return the files of a bundle of a release with documents, and their manifest."""
    files, manifest = bundled({GREET: ARCHIVE})
    at = Coordinate.from_text(about)
    lines = [
        BundledDocument(
            org=at.package.org,
            name=at.package.name,
            version=at.version.text,
            kind=kind,
            sha256=hex_of(content),
            size_bytes=len(content),
        )
        for kind, content in documents
    ]
    lists = [*files[:2], (WITHDRAWALS, b""), (DOCUMENTS, lines_of(lines))]
    contents = dict.fromkeys(content for _, content in documents)
    others = [(f"documents/{hex_of(each)}.json", each) for each in contents]
    every = [*lists, *files[2:], *others]
    listed = tuple(file_of(name, content) for name, content in every)
    update = {"format": FORMAT_WITH_DOCUMENTS, "files": listed}
    return every, manifest.model_copy(update=update)


async def deliver(world: World, carrier: Carrier, *documents: Any, **options: Any) -> ImportReport:
    carrier.write(*with_documents(*documents, **options))
    return await carrier.deliver(world)


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def of_statements(**changes: Any) -> tuple[DocumentKind, bytes]:
    return DocumentKind.STATEMENTS, as_json(Signer().statements(statement(**changes)))


async def test_statements_of_a_key_that_comes_with_them_are_stored(
    world: World, carrier: Carrier
) -> None:
    report = await deliver(world, carrier, of_statements())
    assert report.counts[ImportStep.IMPORTED] == 1
    assert (await provenance_of(world))["upstream"]["registry"] == SOURCE


OTHER_SUBJECT = [{"name": "greet-1.0.0.bala", "digest": {"sha256": "0" * 64}}]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (of_statements(subject=OTHER_SUBJECT), "about another release"),
        (of_statements(predicate={"purl": "pkg:ballerina/acme/x@1.0.0"}), "about another release"),
        (of_statements(predicateType="https://slsa.dev/provenance/v1"), "about another release"),
        (of_statements(_type="https://in-toto.io/Statement/v0.1"), "about another release"),
        (
            (DocumentKind.STATEMENTS, as_json(Signer().statements(statement(), keys=False))),
            "is not signed",
        ),
        ((DocumentKind.STATEMENTS, b"[]"), "cannot be read"),
        ((DocumentKind.STATEMENTS, b'{"registry": ' * 2_000), "cannot be read"),
        ((DocumentKind.STATEMENTS, b" " * (256 * 1024 + 1)), "is too large"),
        ((DocumentKind.SBOM, b"{}"), "is no CycloneDX"),
        ((DocumentKind.SBOM, b"[" * 100_000), "is no CycloneDX"),
    ],
)
async def test_a_hostile_document_refuses_the_whole_bundle(
    world: World, carrier: Carrier, document: tuple[DocumentKind, bytes], reason: str
) -> None:
    with raises_refusal("bundle-unusable", match=reason):
        await deliver(world, carrier, document)
    assert (await world.get("/packages/tools/greet/1.0.0")).status_code == 404


async def test_statements_that_another_key_signed_are_refused(
    world: World, carrier: Carrier
) -> None:
    forged = Signer().statements(statement())
    forged["keys"] = Signer().statements()["keys"]
    with raises_refusal("bundle-unusable", match="is not signed"):
        await deliver(world, carrier, (DocumentKind.STATEMENTS, as_json(forged)))


async def test_a_document_of_a_release_that_is_not_there_is_refused(
    world: World, carrier: Carrier
) -> None:
    with raises_refusal("bundle-unusable", match="that it does not have"):
        await deliver(world, carrier, (DocumentKind.SBOM, SBOM), about="acme/other:1.0.0")


async def test_two_documents_of_one_kind_are_refused(world: World, carrier: Carrier) -> None:
    more = SBOM + b"\n"
    with raises_refusal("bundle-unusable", match="or twice"):
        await deliver(world, carrier, (DocumentKind.SBOM, SBOM), (DocumentKind.SBOM, more))


async def test_a_sigstore_bundle_without_statements_names_no_job(
    world: World, carrier: Carrier
) -> None:
    report = await deliver(world, carrier, (DocumentKind.SIGSTORE, b"{}"))
    assert "no trusted publisher published it" in report.unverified[GREET]
    assert (await provenance_of(world))["bundles"] == []
