"""The task `sigstore-bundle`: whether a Sigstore bundle says where an archive was built.

A bundle of the public good instance is verified by the library `sigstore`. It requires an entry in
a log, which GitHub's instance for private repositories has none of, so those are verified here:
the timestamp, the chain of the certificate at its time, the signature and the statement.

This module alone imports `sigstore`, which takes most of a second.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import (
    Certificate,
    ExtendedKeyUsage,
    ExtensionNotFound,
    KeyUsage,
    ObjectIdentifier,
    SubjectAlternativeName,
    UniformResourceIdentifier,
    UnsupportedGeneralNameType,
    load_der_x509_certificate,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)
from rfc3161_client import TimeStampResponse, VerifierBuilder, decode_timestamp_response
from rfc3161_client.errors import VerificationError as TimestampError

# The library has no public way to its root that writes no files.
from sigstore._internal.tuf import DEFAULT_TUF_URL
from sigstore._utils import read_embedded
from sigstore.errors import Error as SigstoreError
from sigstore.errors import VerificationError as SigstoreVerificationError
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore_models.bundle.v1 import Bundle as BundleModel
from sigstore_models.trustroot.v1 import CertificateAuthority
from sigstore_models.trustroot.v1 import TrustedRoot as TrustedRootModel

from shared.confined.job_files import ROOTS, SIGSTORE_BUNDLE
from shared.confined.jobs import Json
from shared.confined.tasks import Job
from shared.domain.provenance.dsse import IN_TOTO, pae
from shared.domain.provenance.sigstore_identities import (
    CertificateClaim,
    SigstoreIdentity,
    SigstoreInstance,
)
from shared.domain.provenance.uploaded_statements import statement_flaw

MAX_TIMESTAMPS = 32  # As `sigstore` allows.
_EXTENSION = "1.3.6.1.4.1.57264.1."
_SENTENCE = 400  # Characters of what a library says.


class RootsUnreadable(Exception):
    """A file of the operator has no trusted roots, whatever the bundle says."""


class BundleRefused(Exception):
    """The bundle does not verify; the text is a clause."""


def verify_bundle(job: Job) -> None:
    """Verify the bundle in the folder of the job; the result says by which instance, or why not, or
    that trusted roots cannot be read."""
    request = msgspec.convert(job.request, VerificationRequest)

    def work() -> Json:
        try:
            roots = trusted_roots(job.folder / ROOTS, request)
            instance = verify((job.folder / SIGSTORE_BUNDLE).read_bytes(), request, roots)
        except BundleRefused as reason:
            return {"refused": str(reason)}
        except RootsUnreadable:
            return {"roots": "unreadable"}
        return {"instance": instance.value}

    job.run_last("verify", work)


class VerificationRequest(msgspec.Struct, frozen=True):
    """The SHA-256 of the archive, the job that the bundle has to name, and whether the root of the
    public good instance is the one that came with the library."""

    digest: str
    identity: SigstoreIdentity
    has_embedded_root: bool = False


def trusted_roots(folder: Path, request: VerificationRequest) -> list[TrustedRootModel]:
    """Return the roots that verify the bundle."""
    first = [embedded_root()] if request.has_embedded_root else []
    return read_roots(folder, *first)


def embedded_root() -> bytes:
    """Return the root of the public good instance that this version of `sigstore` brings."""
    return read_embedded("trusted_root.json", DEFAULT_TUF_URL)


def read_roots(folder: Path, *first: bytes) -> list[TrustedRootModel]:
    """Return the trusted roots in the files of a folder, in the order of their names, after those
    that are given.

    A file has one root in each line, as `gh attestation trusted-root` prints them, or one root.
    What one of them ends, an authority or a key of a log, vouches in none of them afterwards.
    Raises `RootsUnreadable`.
    """
    try:
        texts = [*first]
        for file in sorted(folder.iterdir()):
            texts += _split_roots(file.read_bytes())
        roots = [json.loads(each) for each in texts]
        end_everywhere(roots)
        return [_model_of(each) for each in roots]
    except (ValueError, TypeError, RecursionError):
        raise RootsUnreadable from None


def end_everywhere(roots: Sequence[object]) -> None:
    """Give each authority and each key of a log, in all of several roots, the earliest end that one
    of these says: an older root may not know it."""
    periods = [each for root in roots for each in _periods_of(root)]
    ends = dict[str, str]()
    for key, period in periods:
        end = period.get("end")
        if isinstance(end, str):
            known = ends.get(key)
            is_earlier = known is None or _moment(end) < _moment(known)
            ends[key] = end if is_earlier or known is None else known
    for key, period in periods:
        if key in ends:
            period["end"] = ends[key]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _periods_of(root: object) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield what a root trusts, by the first certificate or the key, each with the object of its
    period; what has another form is left to the model, which refuses it."""
    for name in ("certificateAuthorities", "timestampAuthorities"):
        for authority in _objects(_object(root).get(name)):
            for first in _objects(_object(authority.get("certChain")).get("certificates"))[:1]:
                period = authority.setdefault("validFor", {})
                if isinstance(period, dict):
                    yield str(first.get("rawBytes")), cast(dict[str, object], period)
    for name in ("tlogs", "ctlogs"):
        for listed in _objects(_object(root).get(name)):
            key = _object(listed.get("publicKey"))
            period = key.setdefault("validFor", {})
            if isinstance(period, dict) and "rawBytes" in key:
                yield str(key.get("rawBytes")), cast(dict[str, object], period)


def _object(value: object) -> dict[str, object]:
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, object]]:
    found = cast(list[object], value) if isinstance(value, list) else []
    return [cast(dict[str, object], each) for each in found if isinstance(each, dict)]


def _split_roots(content: bytes) -> list[bytes]:
    """Return the JSON texts of a file with one root in each line, or with one root."""
    try:
        json.loads(content)
    except ValueError:
        return [line for line in content.splitlines() if line.strip()]
    return [content]


def read_root(content: bytes) -> TrustedRootModel:
    """Read a trusted root; raise `ValueError` or `TypeError`.

    That of GitHub's own instance names no logs at all, which the model of the library requires.
    """
    return _model_of(json.loads(content))


def _model_of(read: object) -> TrustedRootModel:
    given = cast(dict[str, object], read)
    root = TrustedRootModel.from_json(json.dumps({"tlogs": [], "ctlogs": [], **given}))
    for each in (*root.certificate_authorities, *root.timestamp_authorities):
        _chain(each)
    return root


def verify(
    content: bytes, request: VerificationRequest, roots: Sequence[TrustedRootModel]
) -> SigstoreInstance:
    """Return the instance that made the bundle, or raise `BundleRefused`."""
    try:
        model = _read(content)
        Bundle.BundleType(model.media_type)
        certificate = _certificate(model)
    except (ValueError, RecursionError, SigstoreError):
        reason = "it is no Sigstore bundle that this registry can read"
        raise BundleRefused(reason) from None
    known = [each for each in roots if _has_issued(each, certificate)]
    if not known:
        issuer = certificate.issuer.rfc4514_string()[:_SENTENCE]
        reason = f"its certificate is of {issuer!r}, which no trusted root of this registry has"
        raise BundleRefused(reason)
    reasons = list[str]()
    for root in known:
        # A root with a log never vouches for a bundle without an entry in it.
        instance = SigstoreInstance.PUBLIC_GOOD if root.tlogs else SigstoreInstance.GITHUB
        try:
            if instance is SigstoreInstance.PUBLIC_GOOD:
                _require_trusted_then(root, certificate)
                payload = _verify_with_log(content, root, request.identity)
            else:
                payload = _verify_without_log(model, root, certificate, request.identity)
        except BundleRefused as reason:
            reasons.append(str(reason))
            continue
        if flaw := statement_flaw(payload, request.digest):
            raise BundleRefused(flaw)
        return instance
    raise BundleRefused(reasons[0])


def _read(content: bytes) -> BundleModel:
    """Read a bundle; raise `ValueError`. One of GitHub's own instance names no entries of a log at
    all, which the model of the library requires."""
    # Decoded first, because `json` guesses the encoding of bytes, and the bundle is served as a
    # part of other JSON.
    value: object = json.loads(content.decode(), parse_constant=_refuse_constant)
    read = cast(dict[str, object], value if isinstance(value, dict) else {})
    found = read.get("verificationMaterial")
    material = cast(dict[str, object], found if isinstance(found, dict) else {})
    whole: dict[str, object] = {"tlogEntries": [], **material}
    return BundleModel.from_json(json.dumps({**read, "verificationMaterial": whole}))


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity: the bundle is served as a part of other JSON."""
    raise ValueError(name)


def _certificate(model: BundleModel) -> Certificate:
    material = model.verification_material
    if material.certificate:
        return load_der_x509_certificate(material.certificate.raw_bytes)
    chain = material.x509_certificate_chain
    if not chain or not chain.certificates:
        reason = "no certificate"
        raise ValueError(reason)
    return load_der_x509_certificate(chain.certificates[0].raw_bytes)


def _has_issued(root: TrustedRootModel, certificate: Certificate) -> bool:
    """Check whether a key of the root signed the certificate: instances may share a name."""
    return any(
        _is_issued_by(certificate, each)
        for authority in root.certificate_authorities
        for each in _chain(authority)
    )


def _require_trusted_then(root: TrustedRootModel, certificate: Certificate) -> None:
    """Raise `BundleRefused` if the root had ended the authority when it issued the certificate,
    which lives for ten minutes: `sigstore` takes no account of that end."""
    at = certificate.not_valid_before_utc
    issuers = [
        authority
        for authority in root.certificate_authorities
        if any(_is_issued_by(certificate, each) for each in _chain(authority))
    ]
    if not any(_is_valid_at(each, at) for each in issuers):
        reason = f"no authority of its trusted root was valid at {at:%Y-%m-%dT%H:%M:%SZ}"
        raise BundleRefused(reason)


def _is_issued_by(certificate: Certificate, authority: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _chain(authority: CertificateAuthority) -> list[Certificate]:
    return [load_der_x509_certificate(each.raw_bytes) for each in authority.cert_chain.certificates]


def _library_sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:_SENTENCE]


# --- The identity of the certificate --------------------------------------------------------------


class _IdentityPolicy:
    """The policy that `sigstore` asks for whom it may accept."""

    def __init__(self, identity: SigstoreIdentity) -> None:
        self._identity = identity

    def verify(self, cert: Certificate) -> None:
        require_identity(cert, self._identity)


def require_identity(certificate: Certificate, identity: SigstoreIdentity) -> None:
    """Raise `BundleRefused` unless the certificate is of the job."""
    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except (ExtensionNotFound, ValueError, UnsupportedGeneralNameType):
        reason = "its certificate names nobody"
        raise BundleRefused(reason) from None
    subjects = names.get_values_for_type(UniformResourceIdentifier)
    if differences := identity.differences(subjects, _claims(certificate)):
        raise BundleRefused("; ".join(differences))


def _claims(certificate: Certificate) -> Mapping[str, str]:
    return dict(_read_claims(certificate))


def _read_claims(certificate: Certificate) -> Iterator[tuple[str, str]]:
    for claim in CertificateClaim:
        oid = ObjectIdentifier(f"{_EXTENSION}{claim.value}")
        try:
            value = certificate.extensions.get_extension_for_oid(oid).value
            yield claim.name, asn1.decode_der(str, value.public_bytes())
        except (ExtensionNotFound, ValueError):
            continue


# --- The public good instance ---------------------------------------------------------------------


def _verify_with_log(content: bytes, root: TrustedRootModel, identity: SigstoreIdentity) -> bytes:
    """Return the statement of a bundle with an entry in a log."""
    try:
        bundle = Bundle.from_json(content)
        verifier = Verifier(trusted_root=TrustedRoot(root))
        kind, payload = verifier.verify_dsse(bundle, _IdentityPolicy(identity))
    except (SigstoreError, SigstoreVerificationError, ValueError, TypeError) as error:
        raise BundleRefused(_library_sentence(error)) from None
    _require_statement(kind)
    return payload


def _require_statement(kind: str) -> None:
    if kind != IN_TOTO:
        reason = f"what it signs is {kind[:_SENTENCE]!r}, and no in-toto statement"
        raise BundleRefused(reason)


# --- GitHub's instance for private repositories ---------------------------------------------------


def _verify_without_log(
    model: BundleModel,
    root: TrustedRootModel,
    certificate: Certificate,
    identity: SigstoreIdentity,
) -> bytes:
    """Return the statement of a bundle with signed timestamps and no entry in a log."""
    envelope = model.dsse_envelope
    if envelope is None or len(envelope.signatures) != 1:
        reason = "it has no statement with one signature"
        raise BundleRefused(reason)
    signature = envelope.signatures[0].sig
    for at in _timestamps(model, root, signature):
        _verify_chain(certificate, root, at)
    _require_code_signing(certificate)
    require_identity(certificate, identity)
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        reason = "its certificate has no key of an elliptic curve"
        raise BundleRefused(reason)
    kind = envelope.payload_type
    try:
        key.verify(signature, pae(kind, envelope.payload), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        reason = "its signature is not of its certificate"
        raise BundleRefused(reason) from None
    _require_statement(kind)
    return envelope.payload


def _timestamps(model: BundleModel, root: TrustedRootModel, signature: bytes) -> list[datetime]:
    """Return the times of the signature that an authority of the root signed; at least one."""
    data = model.verification_material.timestamp_verification_data
    signed = [each.signed_timestamp for each in (data.rfc3161_timestamps or ())] if data else []
    if len(signed) > MAX_TIMESTAMPS or len(set(signed)) != len(signed):
        reason = f"it has more than {MAX_TIMESTAMPS} timestamps, or one twice"
        raise BundleRefused(reason)
    found = list[datetime]()
    for each in signed:
        try:
            response = decode_timestamp_response(each)
        except ValueError:
            reason = "its timestamp cannot be read"
            raise BundleRefused(reason) from None
        if any(_has_stamped(every, response, signature) for every in root.timestamp_authorities):
            found.append(response.tst_info.gen_time)
    if not found:
        reason = "no authority of the trusted root signed its timestamp"
        raise BundleRefused(reason)
    return found


def _has_stamped(
    authority: CertificateAuthority, response: TimeStampResponse, signature: bytes
) -> bool:
    chain = _chain(authority)
    builder = VerifierBuilder().tsa_certificate(chain[0]).add_root_certificate(chain[-1])
    for each in chain[1:-1]:
        builder = builder.add_intermediate_certificate(each)
    try:
        builder.build().verify_message(response, signature)
    except (TimestampError, ValueError):
        return False
    return _is_valid_at(authority, response.tst_info.gen_time)


def _is_valid_at(authority: CertificateAuthority, at: datetime) -> bool:
    """Check whether the trusted root still trusted the authority then; one that was revoked ends
    there."""
    period = authority.valid_for
    return period.start <= at and (period.end is None or at <= period.end)


def _verify_chain(certificate: Certificate, root: TrustedRootModel, at: datetime) -> None:
    """Raise `BundleRefused` unless an authority of the root issued the certificate, and all of the
    chain is valid at the time of the signature."""
    reason = f"no authority of its trusted root was valid at {at:%Y-%m-%dT%H:%M:%SZ}"
    any_usage = Criticality.NON_CRITICAL, None
    usage = ExtendedKeyUsage, *any_usage
    policies = {
        "ca_policy": ExtensionPolicy.webpki_defaults_ca().may_be_present(*usage),
        "ee_policy": ExtensionPolicy.webpki_defaults_ee().may_be_present(*usage),
    }
    for authority in root.certificate_authorities:
        if not _is_valid_at(authority, at):
            continue
        *intermediates, anchor = _chain(authority)
        verifier = (
            PolicyBuilder()
            .store(Store([anchor]))
            .time(at)
            .extension_policies(**policies)
            .build_client_verifier()
        )
        try:
            verifier.verify(certificate, intermediates)
        except (VerificationError, UnsupportedGeneralNameType) as error:
            reason = f"its certificate was not valid at {at:%Y-%m-%dT%H:%M:%SZ}: {error}"
        else:
            return
    raise BundleRefused(reason[:_SENTENCE])


def _require_code_signing(certificate: Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(KeyUsage).value
        purposes = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except (ExtensionNotFound, ValueError):
        signs = False
    else:
        signs = usage.digital_signature and ExtendedKeyUsageOID.CODE_SIGNING in purposes
    if not signs:
        reason = "its certificate is not for the signing of code"
        raise BundleRefused(reason)
