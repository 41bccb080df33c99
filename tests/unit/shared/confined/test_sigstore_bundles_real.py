"""Real Sigstore bundles verify, or fail as `sigstore` says; tests/data/sigstore/SOURCES.md says
where they are from."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from sigstore._internal.tuf import STAGING_TUF_URL
from sigstore._utils import read_embedded
from sigstore_models.trustroot.v1 import TrustedRoot

from shared.confined.sigstore_bundles import (
    BundleRefused,
    VerificationRequest,
    embedded_root,
    read_roots,
    verify,
)
from shared.domain.packages import Provenance
from shared.domain.provenance.sigstore_identities import (
    SigstoreIdentity,
    SigstoreInstance,
    identity_of,
)
from tests.paths import ROOT

DATA = ROOT / "tests" / "data" / "sigstore"
GITHUB = "https://token.actions.githubusercontent.com"


def job(
    repository: str, workflow: str, commit: str, id_: str, elsewhere: str = ""
) -> SigstoreIdentity:
    found = identity_of(
        Provenance(
            provider="github",
            repository=repository,
            workflow=workflow,
            defined_elsewhere=elsewhere,
            ref="refs/heads/main",
            commit=commit,
            run_url=f"https://github.com/{repository}/actions/runs/1/attempts/1",
            token_issuer=GITHUB,
            claims={"repository_id": id_},
        )
    )
    assert found is not None
    return found


PUBLIC_GOOD = VerificationRequest(
    "49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25",
    job(
        "malancas/attest-demo",
        "shared.yml",
        "95baf27389e83e6a5c48f42e190d48d7abcea19e",
        "804070735",
        "github/artifact-attestations-workflows/.github/workflows/attest.yml"
        "@09b495c3f12c7881b3cc17209a327792065c1a1d",
    ),
)
STAGING = VerificationRequest(
    "a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf",
    job(
        "sigstore-conformance/extremely-dangerous-public-oidc-beacon",
        "extremely-dangerous-oidc-beacon.yml",
        "977e8d08554ca9bda279c96e91be2119fb67c730",
        "632596897",
    ),
)
PRIVATE = VerificationRequest(
    "ae57936def59bc4c75edd3a837d89bcefc6d3a5e31d55a6fa7a71624f92c3c3b",
    job(
        "actions/attest-demo",
        "build-python.yml",
        "a6c23b9806c593664f68637c8f9d45dfcf98b2db",
        "763287532",
    ),
)
VERIFYING = {
    "public-good-rekor-v1.json": (PUBLIC_GOOD, SigstoreInstance.PUBLIC_GOOD),
    "staging-rekor-v2.json": (STAGING, SigstoreInstance.PUBLIC_GOOD),
    "github-private.json": (PRIVATE, SigstoreInstance.GITHUB),
}


@pytest.fixture
def roots(tmp_path: Path) -> list[TrustedRoot]:
    (tmp_path / "github").write_bytes((DATA / "github-root.jsonl").read_bytes())
    (tmp_path / "public-good").write_bytes(embedded_root())
    (tmp_path / "staging").write_bytes(read_embedded("trusted_root.json", STAGING_TUF_URL))
    return read_roots(tmp_path)


@pytest.mark.parametrize("name", VERIFYING)
def test_a_real_bundle_verifies(name: str, roots: list[TrustedRoot]) -> None:
    request, instance = VERIFYING[name]
    assert verify((DATA / name).read_bytes(), request, roots) is instance


@pytest.mark.parametrize("name", VERIFYING)
def test_a_real_bundle_of_another_job_or_file_is_refused(
    name: str, roots: list[TrustedRoot]
) -> None:
    request, _ = VERIFYING[name]
    content = (DATA / name).read_bytes()
    with pytest.raises(BundleRefused, match="it is about another file"):
        verify(content, replace(request, digest="0" * 64), roots)
    other = replace(request.identity, repository_id="1")
    with pytest.raises(BundleRefused, match="its id of the repository is"):
        verify(content, replace(request, identity=other), roots)


def test_an_entry_of_a_kind_that_the_library_does_not_verify_is_refused(
    roots: list[TrustedRoot],
) -> None:
    content = (DATA / "public-good-rekor-v1-old.jsonl").read_bytes()
    with pytest.raises(BundleRefused, match="Integrated time only supported for dsse"):
        verify(content, PUBLIC_GOOD, roots)
