"""Why the local host does not start, each with a sentence for the operator."""

from collections.abc import Iterable
from pathlib import Path


class StartRefused(Exception):
    """The host cannot start; the message says what to change."""


class UnknownConstraint(StartRefused):
    """A route parameter has a constraint that this host does not know."""

    def __init__(self, kind: str, known: Iterable[str]) -> None:
        super().__init__(
            f"The route constraint '{kind}' is unknown. Use one of {', '.join(sorted(known))}."
        )


class UnreadableRoute(StartRefused):
    """A route template breaks the grammar."""

    def __init__(self, route: str, part: str) -> None:
        super().__init__(
            f"The route '{route}' cannot be read at '{part}'. "
            "Write text, {name}, {name?}, {name:constraint}, and {*name} at the end alone."
        )


class UnsupportedFunction(StartRefused):
    """A Function needs what only the real host has, or is refused there."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(f"The Function {function} cannot be served: {reason}.")


class PortInUse(StartRefused):
    """Another program listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"Port {port} of {host} is in use. "
            "Stop the program that listens there, or set PORT to another port."
        )


class AddressUnusable(StartRefused):
    """The operating system refuses the address."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"Cannot listen on port {port} of {host} ({reason}). "
            "Set PORT and BALLROOM_HOST to an address of this machine that this user may use."
        )


class FolderUnwritable(StartRefused):
    """The data folder cannot be written."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"The data folder {folder} cannot be written ({reason}). "
            "Give this user the right to write there, or set BALLROOM_DATA to another folder."
        )


class DiskFull(StartRefused):
    """The disk of the data folder has no room, and what it holds cannot be served without any."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"The disk of the data folder {folder} is full, and nothing can be served from it "
            "without some room. Make room there, and start again."
        )


class CertificateUnusable(StartRefused):
    """The certificate or its key cannot be read, or do not match."""

    def __init__(self, certificate: Path, reason: str) -> None:
        super().__init__(
            f"The certificate {certificate} cannot be used ({reason}). "
            "Set BALLROOM_TLS_CERT and BALLROOM_TLS_KEY to a PEM chain and its key."
        )


class AddressUnknown(StartRefused):
    """The host listens on every address, and no setting names the one that clients use."""

    def __init__(self, host: str, example: str) -> None:
        super().__init__(
            f"BALLROOM_HOST={host} listens on every address of this machine, and links to the "
            "registry need the one that its clients use. "
            f"Set it too, for example BALLROOM_URL={example}."
        )
