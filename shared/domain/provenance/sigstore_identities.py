"""Sigstore identities: which job of a CI system a Sigstore bundle of a release has to name.

The certificate in a bundle names a job by claims of its id token, which Fulcio writes into
extensions. They are compared with the job that published the release.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from urllib.parse import urlsplit

from msgspec import Struct

from shared.domain.packages import Provenance
from shared.domain.trusted_publishing.jobs import Provider

# An attestation of GitHub has 10 to 20 KB. Anything larger is refused before it is parsed.
MAX_SIGSTORE_BUNDLE_BYTES = 1024 * 1024

MAX_QUOTED = 160  # Characters of a text of a bundle in a sentence.


class SigstoreInstance(Enum):
    """Whose Sigstore services made a bundle, by the kind of its trusted root."""

    PUBLIC_GOOD = "public-good"  # It has a public log, which every bundle proves its place in.
    GITHUB = "github"  # For private repositories: signed timestamps, and no log.


class CertificateClaim(Enum):
    """A claim of the id token, by the last number of its extension (1.3.6.1.4.1.57264.1.N)."""

    ISSUER = 8
    SIGNER = 9
    REPOSITORY = 12
    COMMIT = 13
    REF = 14
    REPOSITORY_ID = 15
    WORKFLOW = 18


class SigstoreIdentity(Struct, frozen=True):
    """The job that a bundle has to name. `signers` are the workflows that may have signed: that of
    the job, or the one which it calls. Texts that are empty are not compared."""

    issuer: str
    repository: str
    workflow: str
    signers: tuple[str, ...]
    ref: str
    commit: str
    repository_id: str = ""

    def differences(self, names: Sequence[str], claims: Mapping[str, str]) -> list[str]:
        """Return why a certificate is of another job, a clause for each reason; `names` are its
        subjects, and `claims` have the names of `CertificateClaim`."""
        return [
            *_difference("issuer", (self.issuer,), claims.get("ISSUER", "")),
            *_difference("repository", (self.repository,), claims.get("REPOSITORY", "")),
            *_difference(
                "id of the repository", (self.repository_id,), claims.get("REPOSITORY_ID", "")
            ),
            *_difference("workflow", (self.workflow,), claims.get("WORKFLOW", "")),
            *_difference("ref", (self.ref,), claims.get("REF", "")),
            *_difference("commit", (self.commit,), claims.get("COMMIT", "")),
            *_difference("signer", self.signers, claims.get("SIGNER", "")),
            *_difference("subject", self.signers, " ".join(names)),
        ]


def _difference(what: str, wanted: Sequence[str], actual: str) -> Iterator[str]:
    if any(wanted) and actual not in wanted:
        shown = repr(actual[:MAX_QUOTED]) if actual else "missing"
        yield f"its {what} is {shown}, not {' or '.join(wanted)}"


def identity_of(provenance: Provenance) -> SigstoreIdentity | None:
    """Return the identity of the job that published a release; None for jobs whose certificates say
    nothing of a workflow."""
    parts = urlsplit(provenance.run_url)
    server = f"{parts.scheme}://{parts.netloc}"
    match provenance.provider:
        case Provider.GITHUB.value:
            path = provenance.workflow
            if "/" not in path:
                path = f"{provenance.repository}/.github/workflows/{path}"
            id_claim = "repository_id"
        case Provider.GITLAB.value:
            path = f"{provenance.repository}//{provenance.workflow}"
            id_claim = "project_id"
        case _:
            return None
    if not provenance.token_issuer:
        return None
    workflow = f"{server}/{path}@{provenance.ref}"
    elsewhere = provenance.defined_elsewhere
    return SigstoreIdentity(
        issuer=provenance.token_issuer,
        repository=f"{server}/{provenance.repository}",
        workflow=workflow,
        signers=(workflow, *([f"{server}/{elsewhere}"] if elsewhere else ())),
        ref=provenance.ref,
        commit=provenance.commit,
        repository_id=provenance.claims.get(id_claim, ""),
    )
