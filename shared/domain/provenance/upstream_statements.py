"""Statements of another registry about a release, as a bundle carries them: with the keys by which
they are verified.

Whoever signed the bundle vouches that the keys are those of that registry.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import cast

import msgspec
from msgspec import Struct

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.packages import Provenance
from shared.domain.provenance.dsse import IN_TOTO, pae
from shared.domain.provenance.registry_statements import PUBLISH, RELEASE, STATEMENT

UPSTREAM = "upstream-"  # Begins the name of the document among the attestations of an archive.
MAX_UPSTREAM_STATEMENTS_BYTES = 256 * 1024  # Two statements and two keys have about 3 KB.
_ID_LENGTH = 16  # Hexadecimal digits.


class UpstreamKey(Struct, frozen=True):
    """A key of the registry: its id, and the SubjectPublicKeyInfo in Base64."""

    keyid: str
    key: str


class UpstreamSignature(Struct, frozen=True):
    keyid: str
    sig: str


class UpstreamEnvelope(Struct, frozen=True, rename="camel"):
    """A DSSE envelope; payload and signatures are in Base64."""

    payload: str
    payload_type: str
    signatures: tuple[UpstreamSignature, ...]


class UpstreamStatements(Struct, frozen=True):
    """What a registry vouches for about a release."""

    registry: str  # Its address.
    keys: tuple[UpstreamKey, ...]
    statements: tuple[UpstreamEnvelope, ...]

    @property
    def document(self) -> bytes:
        return msgspec.json.encode(self)


class UnverifiedStatements(Exception):
    """The text is a clause that says why."""


Verify = Callable[[bytes, bytes, bytes], bool]  # A public key, a signature, and what is signed.


def upstream_name(document: bytes) -> str:
    """Return the name of the document among the attestations of its archive."""
    return f"{UPSTREAM}{sha256(document).hexdigest()[:_ID_LENGTH]}"


def read_statements(content: bytes) -> UpstreamStatements:
    """Parse a document; raise `UnverifiedStatements`."""
    try:
        return msgspec.json.decode(content, type=UpstreamStatements)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        reason = "its statements cannot be read"
        raise UnverifiedStatements(reason) from None


def verified_run(
    content: bytes, coordinate: Coordinate, archive: Digest, verify: Verify
) -> Provenance | None:
    """Return the job that published a release, as its statements say; None if none of them names a
    job. Raises `UnverifiedStatements` unless all are signed and about this release."""
    document = read_statements(content)
    run: Provenance | None = None
    for envelope in document.statements:
        statement = _verified(envelope, document.keys, verify)
        _require_about(statement, coordinate, archive)
        if statement.get("predicateType") == PUBLISH:
            run = _run_of(_object(_object(statement.get("predicate")).get("claims")))
    return run


def _verified(
    envelope: UpstreamEnvelope, keys: Sequence[UpstreamKey], verify: Verify
) -> Mapping[str, object]:
    by_id = {each.keyid: each.key for each in keys}
    try:
        payload = base64.b64decode(envelope.payload, validate=True)
        signed = pae(envelope.payload_type, payload)
        is_signed = envelope.payload_type == IN_TOTO and any(
            verify(_decoded(by_id[each.keyid]), _decoded(each.sig), signed)
            for each in envelope.signatures
            if each.keyid in by_id
        )
        statement: object = json.loads(payload) if is_signed else None
    except (binascii.Error, ValueError, RecursionError):
        statement = None
    if not isinstance(statement, dict):
        reason = "a statement is not signed by the registry that published it"
        raise UnverifiedStatements(reason)
    return cast(Mapping[str, object], statement)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _require_about(
    statement: Mapping[str, object], coordinate: Coordinate, archive: Digest
) -> None:
    """Raise unless a statement is of a kind that registries make, and about this release alone."""
    package = coordinate.package
    subject = [
        {"name": f"{package.name}-{coordinate.version}.bala", "digest": {"sha256": archive.hex}}
    ]
    predicate = _object(statement.get("predicate"))
    about = {
        RELEASE: predicate.get("purl")
        == f"pkg:ballerina/{package.org}/{package.name}@{coordinate.version}",
        PUBLISH: predicate.get("coordinate")
        == {"org": package.org, "name": package.name, "version": coordinate.version.text},
    }
    kind = statement.get("predicateType")
    if (
        statement.get("_type") != STATEMENT
        or statement.get("subject") != subject
        or not about.get(str(kind), False)
    ):
        reason = "a statement is about another release"
        raise UnverifiedStatements(reason)


def _object(value: object) -> Mapping[str, object]:
    return cast(Mapping[str, object], value) if isinstance(value, dict) else {}


def _run_of(claims: Mapping[str, object]) -> Provenance:
    """Return the job of the claims of a publish statement."""
    texts = {name: value for name, value in claims.items() if isinstance(value, str)}
    others = _object(claims.get("others"))
    return Provenance(
        provider=texts.get("provider", ""),
        repository=texts.get("repository", ""),
        workflow=texts.get("workflow", ""),
        ref=texts.get("ref", ""),
        commit=texts.get("commit", ""),
        run_url=texts.get("run", ""),
        defined_elsewhere=texts.get("reusableWorkflow", ""),
        subject=texts.get("subject", ""),
        token_issuer=texts.get("issuer", ""),
        claims={name: value for name, value in others.items() if isinstance(value, str)},
    )
