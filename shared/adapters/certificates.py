"""When the registry's certificate expires: the one in a file, or the one that its address
presents."""

import ssl
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from shared.adapters.network import Network, reason_of
from shared.domain.times import MS, time_text
from shared.ports.http_client import ServerUnreachable

# Certificates that are renewed automatically are renewed a month before they expire.
RENEWED_BEFORE = timedelta(days=14)
TIME_LIMIT = timedelta(seconds=5)
_HAS_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL.


class CertificateUnread(Exception):
    """The certificate could not be read; the text is the reason."""


class CertificateEnded(CertificateUnread):
    """The server shows a certificate that has ended."""


def end_of_file(file: Path) -> int:
    """Return when the first certificate of a chain (PEM) ends, in milliseconds; raise
    `CertificateUnread`."""
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except OSError as error:
        reason = f"{file} cannot be read: {(error.strerror or str(error)).lower()}"
        raise CertificateUnread(reason) from None
    except ValueError:
        reason = f"{file} holds no certificate (PEM)"
        raise CertificateUnread(reason) from None
    return _end_ms(certificate)


def made_ms_of_file(file: Path) -> int | None:
    """Return since when the first certificate of a chain (PEM) is valid, in milliseconds; None if
    it cannot be read."""
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        return None
    return int(certificate.not_valid_before_utc.timestamp() * 1000)


def end_of_server(address: str, network: Network) -> int:
    """Return when the certificate of the server of an https address ends, in milliseconds; raise
    `CertificateUnread`. Nothing is sent but the handshake. Blocks."""
    target = urlsplit(address)
    host = target.hostname or ""
    try:
        with (
            network.connect(host, target.port or 443, TIME_LIMIT.total_seconds()) as connection,
            network.trust.wrap_socket(connection, server_hostname=host) as secured,
        ):
            content = secured.getpeercert(binary_form=True) or b""
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _HAS_EXPIRED:
            raise CertificateEnded(reason_of(error)) from None
        raise CertificateUnread(reason_of(error)) from None
    except (OSError, ServerUnreachable) as error:
        raise CertificateUnread(reason_of(error)) from None
    return _end_ms(x509.load_der_x509_certificate(content))


def _end_ms(certificate: x509.Certificate) -> int:
    return int(certificate.not_valid_after_utc.timestamp() * 1000)


def sentence_of(what: str, end_ms: int, now_ms: int) -> tuple[str, str]:
    """Return what to say of a certificate that ends then, and the way out, which is empty while it
    is valid for a fortnight."""
    at = time_text(end_ms)
    if end_ms <= now_ms:
        return f"The certificate of {what} ended on {at}.", "Renew it now: clients refuse it."
    if end_ms - now_ms < RENEWED_BEFORE // MS:
        return (
            f"The certificate of {what} ends on {at}.",
            "Renew it, and see why that did not happen by itself.",
        )
    return f"The certificate of {what} is valid until {at}.", ""
