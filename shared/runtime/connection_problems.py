"""Why a connection to another server failed, in words, whichever library made it."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import cast


def reason_of(error: BaseException) -> str:
    """Return why a connection failed, as part of a sentence, from an exception of any library."""
    causes = [each for each in _causes(error) if isinstance(each, OSError)]
    for each in causes:
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({_certificate_problem(each)})"
    reasons = filter(None, map(_reason_of_system, causes))
    return next(reasons, type(error).__name__)


def _reason_of_system(error: OSError) -> str:
    match error:
        case ssl.SSLError():
            return f"the encrypted connection failed ({error.reason or type(error).__name__})"
        case ConnectionRefusedError():
            return "the connection was refused"
        case socket.gaierror():
            return "its name does not resolve"
        case TimeoutError():
            return "there was no answer in time"
        case _:
            return (error.strerror or "").lower()


def _certificate_problem(error: ssl.SSLCertVerificationError) -> str:
    # An error that no handshake raised has none.
    message = getattr(error, "verify_message", "") or str(error)
    return message.rstrip(".")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it was raised from."""
    seen = set[int]()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            waiting += cast("Sequence[BaseException]", each.exceptions)
        waiting += [cause for cause in (each.__context__, each.__cause__) if cause is not None]


def has_untrusted_certificate(error: BaseException) -> bool:
    """Check whether a connection failed because of the certificate of the server."""
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in _causes(error))
