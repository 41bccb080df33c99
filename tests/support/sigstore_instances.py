"""Sigstore instances of our own: an authority, a log of certificates, a log of signatures, and an
authority of timestamps. Their bundles have the fields of those of the public good instance and of
GitHub's own instance for private repositories.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNED_AT = datetime(2026, 9, 21, 14, 0, tzinfo=UTC)
LIFETIME = timedelta(minutes=10)  # Of the certificate of a job.
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PROVENANCE = "https://slsa.dev/provenance/v1"
_START = datetime(2024, 1, 1, tzinfo=UTC)
_END = datetime(2044, 1, 1, tzinfo=UTC)
_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_FULCIO = "1.3.6.1.4.1.57264.1."

# The extensions of a job, by the last number of each, as Fulcio writes them for `github_job`.
COMMIT = "b8962f4eaff8e14fc646cb22c596c81e67d71362"
REPOSITORY = "https://github.com/octo/greet"
WORKFLOW = f"{REPOSITORY}/.github/workflows/release.yml@refs/tags/v1.0.0"
GITHUB_CLAIMS: Mapping[int, str] = {
    8: "https://token.actions.githubusercontent.com",
    9: WORKFLOW,
    10: COMMIT,
    11: "github-hosted",
    12: REPOSITORY,
    13: COMMIT,
    14: "refs/tags/v1.0.0",
    15: "74",
    16: "https://github.com/octo",
    17: "65",
    18: WORKFLOW,
    19: COMMIT,
    20: "push",
    21: f"{REPOSITORY}/actions/runs/32291736541/attempts/2",
    22: "public",
}


class LogKind(Enum):
    """How the log of an instance has a bundle; GitHub's own instance has none."""

    REKOR_V1 = "dsse/0.0.1"
    REKOR_V2 = "hashedrekord/0.0.2"
    NONE = ""


Key = ec.EllipticCurvePrivateKey


def _new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _name(organization: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


@dataclass(frozen=True)
class SigningAuthority:
    """A root and the authority below it, which issues."""

    root: x509.Certificate
    certificate: x509.Certificate
    key: Key

    @classmethod
    def create(cls, organization: str) -> "SigningAuthority":
        root_key = _new_key()
        key = _new_key()
        root_name = _name(organization, "root")
        root = _authority_certificate(root_name, root_name, root_key, root_key, 1)
        name = _name(organization, "intermediate")
        return cls(root, _authority_certificate(name, root_name, key, root_key, 0), key)

    @property
    def chain(self) -> list[x509.Certificate]:
        return [self.certificate, self.root]


def _authority_certificate(
    name: x509.Name, issuer: x509.Name, key: Key, by: Key, path_length: int
) -> x509.Certificate:
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    return (
        _builder(name, issuer, key, by, (_START, _END))
        .add_extension(x509.BasicConstraints(True, path_length), critical=True)
        .add_extension(usage, critical=True)
        .sign(by, hashes.SHA256())
    )


def _builder(
    name: x509.Name, issuer: x509.Name, key: Key, by: Key, period: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(period[0])
        .not_valid_after(period[1])
        .add_extension(own, critical=False)
        .add_extension(identifier, critical=False)
    )


@dataclass(frozen=True)
class Statement:
    """What a bundle says: of which files, and of what kind."""

    digests: Sequence[str]
    predicate_type: str = PROVENANCE
    kind: str = "https://in-toto.io/Statement/v1"

    @property
    def payload(self) -> bytes:
        subjects = [
            {"name": f"greet-{number}.bala", "digest": {"sha256": each}}
            for number, each in enumerate(self.digests)
        ]
        predicate: dict[str, Any] = {"buildDefinition": {}, "runDetails": {}}
        return json.dumps(
            {
                "_type": self.kind,
                "subject": subjects,
                "predicateType": self.predicate_type,
                "predicate": predicate,
            }
        ).encode()


@dataclass
class SigstoreInstance:
    """An instance that signs for jobs."""

    organization: str
    log: LogKind
    authority: SigningAuthority = field(init=False)
    timestamps: SigningAuthority = field(init=False)
    certificate_log: Key = field(default_factory=_new_key)
    log_key: Key = field(default_factory=_new_key)
    authority_ends: datetime | None = None  # In the trusted root: it was revoked then.

    def __post_init__(self) -> None:
        self.authority = SigningAuthority.create(self.organization)
        self.timestamps = SigningAuthority.create(f"{self.organization} timestamps")
        self._stamping_key = _new_key()
        self._stamping = self._stamping_certificate()

    @classmethod
    def public_good(cls, log: LogKind = LogKind.REKOR_V1) -> "SigstoreInstance":
        return cls("sigstore.test", log)

    @classmethod
    def github(cls) -> "SigstoreInstance":
        return cls("GitHub of a test", LogKind.NONE)

    # What a registry trusts.

    @property
    def trusted_root(self) -> dict[str, Any]:
        has_log = self.log is not LogKind.NONE
        ends = {"end": _text(self.authority_ends)} if self.authority_ends else {}
        logs = {  # GitHub's own root does not name them at all.
            "tlogs": [self._log("https://rekor.test", self.log_key)],
            "ctlogs": [self._log("https://ctfe.test", self.certificate_log)],
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            **(logs if has_log else {}),
            "certificateAuthorities": [_shown_authority(self.authority.chain, ends)],
            "timestampAuthorities": [
                _shown_authority([self._stamping, *self.timestamps.chain], {})
            ],
        }

    def write_root(self, file: Path, *others: "SigstoreInstance") -> Path:
        """Write the roots as `gh attestation trusted-root` prints them: one in each line."""
        roots = [each.trusted_root for each in (self, *others)]
        file.write_text("".join(json.dumps(each) + "\n" for each in roots))
        return file

    def _log(self, url: str, key: Key) -> dict[str, Any]:
        return {
            "baseUrl": url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": _base64(_public(key)),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": {"start": _text(_START)},
            },
            "logId": {"keyId": _base64(_key_id(key))},
        }

    # What a job gets.

    def bundle(
        self,
        digest: str | Statement,
        *,
        claims: Mapping[int, str] | None = None,
        names: Sequence[str] | None = None,
        at: datetime = SIGNED_AT,
        logged_at: datetime | None = None,
    ) -> dict[str, Any]:
        """Return the bundle of a job about an archive. It got its certificate `at` a time, and its
        signature was logged and stamped a second later, or at another time."""
        statement = digest if isinstance(digest, Statement) else Statement([digest])
        said = {**GITHUB_CLAIMS, **(claims or {})}
        key = _new_key()
        certificate = self.certificate_of_job(key, said, names or [said[9]], at)
        signature = key.sign(_pae(statement.payload), ec.ECDSA(hashes.SHA256()))
        signed_at = logged_at or at + timedelta(seconds=1)
        material: dict[str, Any] = {
            "certificate": {"rawBytes": _base64(_der(certificate))},
            "timestampVerificationData": {"rfc3161Timestamps": []},
        }
        if self.log is not LogKind.NONE:  # Else a bundle names no entries at all.
            entry = self._entry(statement.payload, signature, certificate, signed_at)
            material["tlogEntries"] = [entry]
        if self.log is not LogKind.REKOR_V1:
            stamp = self.timestamp(signature, signed_at)
            material["timestampVerificationData"]["rfc3161Timestamps"] = [
                {"signedTimestamp": _base64(stamp)}
            ]
        return {
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": material,
            "dsseEnvelope": {
                "payload": _base64(statement.payload),
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{"sig": _base64(signature)}],
            },
        }

    def certificate_of_job(
        self, key: Key, claims: Mapping[int, str], names: Sequence[str], at: datetime
    ) -> x509.Certificate:
        by = self.authority
        builder = (
            _builder(x509.Name([]), by.certificate.subject, key, by.key, (at, at + LIFETIME))
            .add_extension(
                x509.KeyUsage(True, False, False, False, False, False, False, False, False),
                critical=True,
            )
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(n) for n in names]),
                critical=True,
            )
        )
        for number, value in claims.items():
            oid = x509.ObjectIdentifier(f"{_FULCIO}{number}")
            extension = x509.UnrecognizedExtension(oid, _tagged(0x0C, value.encode()))
            builder = builder.add_extension(extension, critical=False)
        before = builder.sign(by.key, hashes.SHA256())
        if self.log is LogKind.NONE:
            return before
        sct = self._sct(before.tbs_certificate_bytes, at)
        return builder.add_extension(
            x509.UnrecognizedExtension(_SCT_LIST, sct), critical=False
        ).sign(by.key, hashes.SHA256())

    def _sct(self, tbs: bytes, at: datetime) -> bytes:
        """Return the extension with the timestamp of the log of certificates (RFC 6962)."""
        milliseconds = int(at.timestamp() * 1000)
        issuer = _key_id(self.authority.key)
        entry = issuer + len(tbs).to_bytes(3, "big") + tbs
        signed = struct.pack("!BBQH", 0, 0, milliseconds, 1) + entry + b"\0\0"
        signature = self.certificate_log.sign(signed, ec.ECDSA(hashes.SHA256()))
        sct = struct.pack("!B32sQH", 0, _key_id(self.certificate_log), milliseconds, 0)
        sct += b"\x04\x03" + struct.pack("!H", len(signature)) + signature
        listed = struct.pack("!H", len(sct)) + sct
        return _tagged(0x04, struct.pack("!H", len(listed)) + listed)

    # The log of signatures, which has this entry alone.

    def _entry(
        self, payload: bytes, signature: bytes, certificate: x509.Certificate, at: datetime
    ) -> dict[str, Any]:
        kind, _, version = self.log.value.partition("/")
        make = self._body_of_v1 if self.log is LogKind.REKOR_V1 else self._body_of_v2
        body = json.dumps(make(payload, signature, certificate), sort_keys=True).encode()
        root = hashlib.sha256(b"\0" + body).digest()
        log_id = _key_id(self.log_key)
        note = f"rekor.test - 1\n1\n{_base64(root)}\n"
        signed = self.log_key.sign(note.encode(), ec.ECDSA(hashes.SHA256()))
        entry: dict[str, Any] = {
            "logIndex": "0",
            "logId": {"keyId": _base64(log_id)},
            "kindVersion": {"kind": kind, "version": version},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _base64(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {
                    "envelope": f"{note}\n\u2014 rekor.test {_base64(log_id[:4] + signed)}\n"
                },
            },
            "canonicalizedBody": _base64(body),
        }
        if self.log is LogKind.REKOR_V1:
            integrated = int(at.timestamp())
            promised = json.dumps(
                {
                    "body": _base64(body),
                    "integratedTime": integrated,
                    "logID": log_id.hex(),
                    "logIndex": 0,
                },
                separators=(",", ":"),
            )
            promise = self.log_key.sign(promised.encode(), ec.ECDSA(hashes.SHA256()))
            entry["integratedTime"] = str(integrated)
            entry["inclusionPromise"] = {"signedEntryTimestamp": _base64(promise)}
        return entry

    @staticmethod
    def _body_of_v1(
        payload: bytes, signature: bytes, certificate: x509.Certificate
    ) -> dict[str, Any]:
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        return {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},
                "payloadHash": {
                    "algorithm": "sha256",
                    "value": hashlib.sha256(payload).hexdigest(),
                },
                "signatures": [{"signature": _base64(signature), "verifier": _base64(pem)}],
            },
        }

    @staticmethod
    def _body_of_v2(
        payload: bytes, signature: bytes, certificate: x509.Certificate
    ) -> dict[str, Any]:
        digest = hashlib.sha256(_pae(payload)).digest()
        verifier = {
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "x509Certificate": {"rawBytes": _base64(_der(certificate))},
        }
        return {
            "apiVersion": "0.0.2",
            "kind": "hashedrekord",
            "spec": {
                "hashedRekordV002": {
                    "data": {"algorithm": "SHA2_256", "digest": _base64(digest)},
                    "signature": {"content": _base64(signature), "verifier": verifier},
                }
            },
        }

    # The authority of timestamps.

    def _stamping_certificate(self) -> x509.Certificate:
        by = self.timestamps
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        name = _name(self.organization, "stamping")
        return (
            _builder(name, by.certificate.subject, self._stamping_key, by.key, (_START, _END))
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
            )
            .sign(by.key, hashes.SHA256())
        )

    def timestamp(self, message: bytes, at: datetime) -> bytes:
        """Return the answer of the authority to a request for a timestamp (RFC 3161)."""
        sha256 = _sequence(_oid("2.16.840.1.101.3.4.2.1"), _tagged(0x05, b""))
        info = _sequence(
            _integer(1),
            _oid("1.3.6.1.4.1.57264.2"),
            _sequence(sha256, _tagged(0x04, hashlib.sha256(message).digest())),
            _integer(7),
            _tagged(0x18, at.strftime("%Y%m%d%H%M%SZ").encode()),
        )
        content_type = "1.2.840.113549.1.9.16.1.4"
        issued = _sequence(
            self._stamping.issuer.public_bytes(), _integer(self._stamping.serial_number)
        )
        digest = hashlib.sha256(_der(self._stamping)).digest()
        certificate_id = _sequence(_sequence(_sequence(_tagged(0x04, digest))))
        attributes = _set_of(
            _attribute("1.2.840.113549.1.9.3", _oid(content_type)),
            _attribute("1.2.840.113549.1.9.4", _tagged(0x04, hashlib.sha256(info).digest())),
            _attribute("1.2.840.113549.1.9.16.2.47", certificate_id),
        )
        signature = self._stamping_key.sign(_tagged(0x31, attributes), ec.ECDSA(hashes.SHA256()))
        signer = _sequence(
            _integer(1),
            issued,
            sha256,
            _tagged(0xA0, attributes),
            _sequence(_oid("1.2.840.10045.4.3.2")),
            _tagged(0x04, signature),
        )
        signed_data = _sequence(
            _integer(3),
            _tagged(0x31, sha256),
            _sequence(_oid(content_type), _tagged(0xA0, _tagged(0x04, info))),
            _tagged(0xA0, _der(self._stamping)),
            _tagged(0x31, signer),
        )
        token = _sequence(_oid("1.2.840.113549.1.7.2"), _tagged(0xA0, signed_data))
        return _sequence(_sequence(_integer(0)), token)


def _shown_authority(chain: Sequence[x509.Certificate], ends: Mapping[str, str]) -> dict[str, Any]:
    return {
        "subject": {"organization": "of a test", "commonName": "authority"},
        "uri": "https://authority.test",
        "certChain": {"certificates": [{"rawBytes": _base64(_der(each))} for each in chain]},
        "validFor": {"start": _text(_START), **ends},
    }


def _pae(payload: bytes) -> bytes:
    kind = b"application/vnd.in-toto+json"
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _public(key: Key) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _key_id(key: Key) -> bytes:
    return hashlib.sha256(_public(key)).digest()


# --- DER -----------------------------------------------------------------------------------------


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, b"".join(parts))


def _set_of(*parts: bytes) -> bytes:
    """Return the content of a set, whose members DER sorts."""
    return b"".join(sorted(parts))


def _attribute(oid: str, value: bytes) -> bytes:
    return _sequence(_oid(oid), _tagged(0x31, value))


def _integer(value: int) -> bytes:
    return _tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _oid(text: str) -> bytes:
    first, second, *others = map(int, text.split("."))
    content = bytes([first * 40 + second])
    for each in others:
        digits = [each & 0x7F]
        while each := each >> 7:
            digits.append(0x80 | each & 0x7F)
        content += bytes(reversed(digits))
    return _tagged(0x06, content)
