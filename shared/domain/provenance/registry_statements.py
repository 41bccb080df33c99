"""Statements of the registry about a release: in-toto Statements v1, which say nothing of a person.

Their bytes follow from the release alone, so a push that is repeated after a crash makes the same.
"""

import json
from hashlib import sha256

from shared.domain.packages import Provenance, Release
from shared.domain.times import utc_text
from shared.domain.trusted_publishing.jobs import PERSONAL_CLAIMS

STATEMENT = "https://in-toto.io/Statement/v1"
RELEASE = "https://in-toto.io/attestation/release/v0.2"
PUBLISH = "urn:ballroom:publish:v1"  # The same in every registry; a new form gets a new number.

_STATEMENTS = "statements-"  # Begins the name of the statements among the attestations.
SIGSTORE = "sigstore-"  # Begins the names of Sigstore bundles.
_ID_LENGTH = 16  # Hexadecimal digits.


def statements_of(release: Release, *, later: bool) -> tuple[bytes, ...]:
    """Return every statement about a release, unsigned; `later` marks those that were not made by
    its push."""
    made = [release_statement(release, later=later)]
    if release.by_ci:
        made.append(publish_statement(release, later=later))
    return tuple(made)


def release_statement(release: Release, *, later: bool = False) -> bytes:
    """Return the statement that the release has this archive."""
    coordinate = release.coordinate
    package = coordinate.package
    # Without an address: the key that signs says which registry it is.
    predicate: dict[str, object] = {
        "purl": f"pkg:ballerina/{package.org}/{package.name}@{coordinate.version}"
    }
    if release.upstream is not None:
        predicate["mirroredFrom"] = release.upstream.name
    return _statement(release, RELEASE, predicate, later=later)


def publish_statement(release: Release, *, later: bool = False) -> bytes:
    """Return the statement that a job of a trusted publisher published the release: what its id
    token said, which the registry verified. Raises `ValueError` for any other release."""
    run = release.origin.provenance
    if run is None:
        message = f"{release.coordinate} was not published by a job."
        raise ValueError(message)
    predicate: dict[str, object] = {
        "coordinate": {"org": release.org, "name": release.name, "version": release.version},
        "digest": {"sha256": release.digest},
        "publishedAt": utc_text(release.created_ms),
        "claims": _claims(run),
    }
    return _statement(release, PUBLISH, predicate, later=later)


def statements_id(content: bytes) -> str:
    """Return by what a release names its statements, of which this is the document."""
    return sha256(content).hexdigest()[:_ID_LENGTH]


def statements_name(identifier: str) -> str:
    """Return the name of the statements of a release among its attestations."""
    return f"{_STATEMENTS}{identifier}"


def _claims(run: Provenance) -> dict[str, object]:
    claims = {
        "provider": run.provider,
        "issuer": run.token_issuer or run.issuer,
        "subject": run.subject,
        "repository": run.repository,
        "workflow": run.workflow,
        "reusableWorkflow": run.defined_elsewhere,
        "ref": run.ref,
        "commit": run.commit,
        "run": run.run_url,
    }
    others = {name: text for name, text in run.claims.items() if name not in PERSONAL_CLAIMS}
    shown: dict[str, object] = {name: text for name, text in claims.items() if text}
    return shown | ({"others": dict(sorted(others.items()))} if others else {})


def _statement(
    release: Release, predicate_type: str, predicate: dict[str, object], *, later: bool
) -> bytes:
    coordinate = release.coordinate
    statement = {
        "_type": STATEMENT,
        "subject": [
            {
                "name": f"{coordinate.package.name}-{coordinate.version}.bala",
                "digest": {"sha256": release.digest},
            }
        ],
        "predicateType": predicate_type,
        "predicate": predicate | ({"later": True} if later else {}),
    }
    return json.dumps(statement, separators=(",", ":")).encode()
