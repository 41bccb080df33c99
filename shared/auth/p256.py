"""ECDSA over the curve P-256 with SHA-256: keys and signatures in DER, as they are stored.

It is imported where a key is used, because cryptography takes 30 ms of a start.
"""

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_public_key,
)


class PrivateKey:
    """A key that signs; it prints as nothing that anybody may not see."""

    __slots__ = ("__key",)

    def __init__(self, content: bytes) -> None:
        """Read PKCS 8, or raise `ValueError`."""
        try:
            key = load_der_private_key(content, None)
        except UnsupportedAlgorithm as other:
            raise ValueError(str(other)) from None
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            message = "a private key is not one of the curve P-256"
            raise ValueError(message)  # noqa: TRY004 - callers catch one type for all bad texts.
        self.__key = key

    @property
    def public(self) -> bytes:
        """The SubjectPublicKeyInfo."""
        return _public_bytes(self.__key.public_key())

    def sign(self, text: bytes) -> bytes:
        """Return the signature, which is the same for the same text (RFC 6979)."""
        return self.__key.sign(text, ECDSA(SHA256(), deterministic_signing=True))


def new_private_key() -> bytes:
    """Return a new key, as PKCS 8; its randomness is that of OpenSSL."""
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def public_key(content: bytes) -> bytes:
    """Return a SubjectPublicKeyInfo in its canonical form, or raise `ValueError`."""
    return _canonical(load_der_public_key, content)


def public_key_of_pem(text: str) -> bytes:
    """Return the SubjectPublicKeyInfo of a key in PEM, or raise `ValueError`."""
    return _canonical(load_pem_public_key, text.encode())


def _canonical(load: Callable[[bytes], object], content: bytes) -> bytes:
    try:
        key = load(content)
    except UnsupportedAlgorithm as other:
        raise ValueError(str(other)) from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        message = "a public key is not one of the curve P-256"
        raise ValueError(message)  # noqa: TRY004 - callers catch one type for all bad texts.
    return _public_bytes(key)


def is_signed(public: bytes, signature: bytes, text: bytes) -> bool:
    """Check whether the key with this SubjectPublicKeyInfo signed the text."""
    try:
        key = load_der_public_key(public_key(public))
    except ValueError:
        return False
    if not isinstance(key, EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, text, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _public_bytes(key: EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
