"""The task `sigstore-bundle`: which bundles verify, and why the others do not."""

import json
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.confined.job_files import ROOTS, SIGSTORE_BUNDLE
from shared.domain.packages import Provenance
from shared.domain.provenance.sigstore_identities import SigstoreIdentity, identity_of
from tests.fakes.confined import InProcess
from tests.support.sigstore_instances import (
    COMMIT,
    GITHUB_CLAIMS,
    SIGNED_AT,
    LogKind,
    SigstoreInstance,
    Statement,
)

DIGEST = "1f" * 32
OTHER = "2e" * 32
PROVENANCE = Provenance(
    provider="github",
    repository="octo/greet",
    workflow="release.yml",
    ref="refs/tags/v1.0.0",
    commit=COMMIT,
    run_url="https://github.com/octo/greet/actions/runs/32291736541/attempts/2",
    token_issuer=GITHUB_CLAIMS[8],
    claims={"repository_id": "74"},
)


def identity(**changes: Any) -> SigstoreIdentity:
    provenance = PROVENANCE.model_copy(update=changes)
    found = identity_of(provenance)
    assert found is not None
    return found


INSTANCES = {
    "rekor-v1": lambda: SigstoreInstance.public_good(LogKind.REKOR_V1),
    "rekor-v2": lambda: SigstoreInstance.public_good(LogKind.REKOR_V2),
    "github": SigstoreInstance.github,
}


@dataclass
class Verification:
    """Verifies bundles in a folder."""

    folder: Path
    count: int = 0

    async def __call__(
        self,
        bundle: dict[str, Any] | bytes,
        *trusted: SigstoreInstance,
        by: SigstoreIdentity | None = None,
        embedded: bool = False,
    ) -> dict[str, str]:
        self.count += 1
        folder = self.folder / str(self.count)
        (folder / ROOTS).mkdir(parents=True)
        content = bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode()
        (folder / SIGSTORE_BUNDLE).write_bytes(content)
        for number, each in enumerate(trusted):
            each.write_root(folder / ROOTS / f"{number}.jsonl")
        who = by or identity()
        fields = {name: getattr(who, name) for name in who.__struct_fields__}
        request = {"digest": DIGEST, "identity": fields, "has_embedded_root": embedded}
        [part] = await InProcess().run("sigstore-bundle", folder, request)
        assert part.refused is None
        assert isinstance(part.result, dict)
        return {name: str(each) for name, each in part.result.items()}


@pytest.fixture
def verify(tmp_path: Path) -> Verification:
    return Verification(tmp_path)


@pytest.fixture(params=INSTANCES)
def instance(request: pytest.FixtureRequest) -> SigstoreInstance:
    return INSTANCES[request.param]()


async def test_a_bundle_of_the_job_about_the_archive_verifies(
    verify: Verification, instance: SigstoreInstance
) -> None:
    is_github = instance.log is LogKind.NONE
    found = await verify(instance.bundle(DIGEST), instance)
    assert found == {"instance": "github" if is_github else "public-good"}


# --- Another file or statement


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (Statement([OTHER]), f"it is about another file, whose SHA-256 is {OTHER}"),
        (Statement([DIGEST, OTHER]), "its statement names 2 files, and has to name the archive"),
        (Statement([DIGEST, DIGEST]), "its statement names 2 files, and has to name the archive"),
        (Statement([]), "its statement names 0 files, and has to name the archive"),
        (
            Statement([DIGEST], predicate_type="https://example.org/sbom"),
            "its statement is 'https://example.org/sbom', and https://slsa.dev/provenance/v1 is",
        ),
        (Statement([DIGEST], kind="https://example.org/other"), "no in-toto statement"),
    ],
)
async def test_the_statement_says_where_this_archive_alone_was_built(
    verify: Verification, statement: Statement, reason: str
) -> None:
    public = SigstoreInstance.public_good()
    found = await verify(public.bundle(statement), public)
    assert reason in found["refused"]


async def test_statements_of_older_builders_are_accepted(verify: Verification) -> None:
    public = SigstoreInstance.public_good()
    statement = Statement(
        [DIGEST], "https://slsa.dev/provenance/v0.2", "https://in-toto.io/Statement/v0.1"
    )
    assert await verify(public.bundle(statement), public) == {"instance": "public-good"}


# --- Another job


@pytest.mark.parametrize(
    ("claim", "value", "what"),
    [
        (8, "https://issuer.example.org", "issuer"),
        (12, "https://github.com/mallory/greet", "repository"),
        (15, "99", "id of the repository"),
        (18, f"{GITHUB_CLAIMS[12]}/.github/workflows/other.yml@refs/tags/v1.0.0", "workflow"),
        (14, "refs/pull/7/merge", "ref"),
        (13, "0" * 40, "commit"),
        (9, "https://github.com/mallory/ci/.github/workflows/x.yml@refs/heads/main", "signer"),
    ],
)
async def test_the_certificate_is_of_the_job_that_published_the_release(
    verify: Verification, instance: SigstoreInstance, claim: int, value: str, what: str
) -> None:
    found = await verify(instance.bundle(DIGEST, claims={claim: value}), instance)
    assert found["refused"].startswith(f"its {what} is '{value}', not ")


async def test_the_subject_of_the_certificate_is_the_workflow(
    verify: Verification, instance: SigstoreInstance
) -> None:
    names = ["https://github.com/mallory/ci/.github/workflows/x.yml@refs/heads/main"]
    found = await verify(instance.bundle(DIGEST, names=names), instance)
    assert found["refused"].startswith(f"its subject is '{names[0]}', not ")
    two = [GITHUB_CLAIMS[9], *names]
    assert "subject" in (await verify(instance.bundle(DIGEST, names=two), instance))["refused"]


async def test_a_reusable_workflow_may_sign_if_the_job_was_defined_by_it(
    verify: Verification, instance: SigstoreInstance
) -> None:
    elsewhere = "octo/ci/.github/workflows/publish.yml@refs/tags/v1"
    bundle = instance.bundle(DIGEST, claims={9: f"https://github.com/{elsewhere}"})
    assert "its signer is" in (await verify(bundle, instance))["refused"]
    by = identity(defined_elsewhere=elsewhere)
    assert "instance" in await verify(bundle, instance, by=by)


def test_a_job_of_gitlab_has_an_identity() -> None:
    provenance = Provenance(
        provider="gitlab",
        repository="tools/ci/greet",
        workflow=".gitlab-ci.yml",
        ref="refs/heads/main",
        commit=COMMIT,
        run_url="https://gitlab.com/tools/ci/greet/-/jobs/302",
        token_issuer="https://gitlab.com",
        claims={"project_id": "20"},
    )
    found = identity_of(provenance)
    assert found is not None
    assert found.workflow == "https://gitlab.com/tools/ci/greet//.gitlab-ci.yml@refs/heads/main"
    assert (found.repository, found.repository_id) == ("https://gitlab.com/tools/ci/greet", "20")


def test_other_jobs_have_no_identity() -> None:
    assert identity_of(Provenance(provider="azure-devops", token_issuer="https://x.test")) is None
    assert identity_of(Provenance(provider="oidc", token_issuer="https://x.test")) is None


# --- Times and authorities


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_signature_that_was_made_while_the_certificate_was_not_valid_is_refused(
    verify: Verification, instance: SigstoreInstance, hours: int
) -> None:
    """The clock of whoever signed was an hour off, or the certificate had expired."""
    bundle = instance.bundle(DIGEST, logged_at=SIGNED_AT + timedelta(hours=hours))
    found = await verify(bundle, instance)
    assert "instance" not in found


async def test_an_authority_that_was_revoked_before_the_signature_is_refused(
    verify: Verification,
) -> None:
    github = SigstoreInstance.github()
    bundle = github.bundle(DIGEST)
    github.authority_ends = SIGNED_AT - timedelta(days=1)
    found = await verify(bundle, github)
    assert found["refused"] == (
        "no authority of its trusted root was valid at 2026-09-21T14:00:01Z"
    )
    github.authority_ends = SIGNED_AT + timedelta(days=1)
    assert await verify(bundle, github) == {"instance": "github"}


@pytest.mark.parametrize("is_newest_first", [True, False])
async def test_what_one_root_ends_vouches_in_no_other_root(
    verify: Verification, instance: SigstoreInstance, is_newest_first: bool
) -> None:
    bundle = instance.bundle(DIGEST)
    newer = copy(instance)
    newer.authority_ends = SIGNED_AT - timedelta(days=1)
    roots = (newer, instance) if is_newest_first else (instance, newer)
    assert "instance" not in await verify(bundle, *roots)
    newer.authority_ends = SIGNED_AT + timedelta(days=1)
    assert "instance" in await verify(bundle, *roots)


async def test_another_instance_with_the_same_names_is_refused(
    verify: Verification, instance: SigstoreInstance
) -> None:
    impostor = SigstoreInstance(instance.organization, instance.log)
    assert "instance" not in await verify(impostor.bundle(DIGEST), instance)


async def test_an_authority_that_no_root_has_is_named(
    verify: Verification, instance: SigstoreInstance
) -> None:
    found = await verify(instance.bundle(DIGEST), embedded=True)
    assert found["refused"].startswith("its certificate is of 'CN=intermediate,O=")
    assert found["refused"].endswith("which no trusted root of this registry has")


async def test_all_roots_of_a_file_are_tried(verify: Verification) -> None:
    public = SigstoreInstance.public_good()
    github = SigstoreInstance.github()
    for each in (public, github):
        assert "instance" in await verify(each.bundle(DIGEST), public, github, embedded=True)


async def test_a_root_with_a_log_does_not_vouch_for_a_bundle_without_an_entry(
    verify: Verification,
) -> None:
    public = SigstoreInstance.public_good(LogKind.REKOR_V2)
    bundle = public.bundle(DIGEST)
    bundle["verificationMaterial"]["tlogEntries"] = []
    assert "instance" not in await verify(bundle, public)


# --- Changed bundles


CHANGES = {
    "payload": lambda b: b["dsseEnvelope"].update(payload="e30="),
    "signature": lambda b: b["dsseEnvelope"]["signatures"][0].update(sig="MEUCIQ=="),
    "payload type": lambda b: b["dsseEnvelope"].update(payloadType="text/plain"),
    "two signatures": lambda b: b["dsseEnvelope"]["signatures"].append({"sig": "MEUCIQ=="}),
    "no envelope": lambda b: b.pop("dsseEnvelope"),
    "no certificate": lambda b: b["verificationMaterial"].pop("certificate"),
    "no times": lambda b: b["verificationMaterial"].update(
        tlogEntries=[], timestampVerificationData={"rfc3161Timestamps": []}
    ),
    "media type": lambda b: b.update(mediaType="text/plain"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_changed_bundle_is_refused(
    verify: Verification, instance: SigstoreInstance, change: str
) -> None:
    bundle = instance.bundle(DIGEST)
    CHANGES[change](bundle)
    assert "instance" not in await verify(bundle, instance)


@pytest.mark.parametrize("field", ["rootHash", "checkpoint", "canonicalizedBody"])
@pytest.mark.parametrize("log", [LogKind.REKOR_V1, LogKind.REKOR_V2])
async def test_an_entry_that_the_log_does_not_have_is_refused(
    verify: Verification, field: str, log: LogKind
) -> None:
    public = SigstoreInstance.public_good(log)
    bundle = public.bundle(DIGEST)
    [entry] = bundle["verificationMaterial"]["tlogEntries"]
    [other] = public.bundle(OTHER)["verificationMaterial"]["tlogEntries"]
    if field == "canonicalizedBody":
        entry[field] = other[field]
    else:
        entry["inclusionProof"][field] = other["inclusionProof"][field]
    assert "instance" not in await verify(bundle, public)


async def test_a_timestamp_of_another_signature_is_refused(verify: Verification) -> None:
    github = SigstoreInstance.github()
    bundle = github.bundle(DIGEST)
    other = github.bundle(DIGEST)["verificationMaterial"]["timestampVerificationData"]
    bundle["verificationMaterial"]["timestampVerificationData"] = other
    found = await verify(bundle, github)
    assert found["refused"] == "no authority of the trusted root signed its timestamp"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"a":' * 100_000])
async def test_what_is_no_bundle_is_refused(verify: Verification, content: bytes) -> None:
    found = await verify(content, SigstoreInstance.public_good())
    assert found["refused"] == "it is no Sigstore bundle that this registry can read"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
async def test_a_bundle_is_json_in_utf_8_as_it_is_served_within_other_json(
    verify: Verification, encoding: str
) -> None:
    github = SigstoreInstance.github()
    content = json.dumps(github.bundle(DIGEST)).encode(encoding)
    found = await verify(content, github)
    assert found == {"refused": "it is no Sigstore bundle that this registry can read"}
