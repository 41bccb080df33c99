"""Device login (RFC 8628): the codes by which a person approves a token for a machine."""

from datetime import timedelta

from shared.domain.errors.identity import DeviceRefusal
from shared.domain.records import Record
from shared.domain.scopes import Scope
from shared.domain.token_redaction import redact_tokens

DEVICE_CODE_LIFETIME = timedelta(minutes=10)  # A sign-in takes two or three.
POLL_INTERVAL = timedelta(seconds=5)  # The default of the RFC.
DEVICE_TOKEN_DAYS = 90
MAX_CLIENT_NAME = 60  # Characters: it becomes part of the token's name.

# Consonants only, as the RFC recommends: they form no words, and none is mistaken for another as
# 0 and O are. Eight of them are 34 bits.
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE_LENGTH = 8
USER_CODE_RANDOM_BYTES = 16  # Many more bits than the code has, so the modulo is unbiased.

READING = (Scope.READ,)  # What a device gets that names no scope.
# What a device may ask for, to build and publish; MANAGE is not for a token in a file.
DEVICE_SCOPES = (Scope.READ, Scope.PUSH_NEW, Scope.PUSH_VERSION, Scope.DEPRECATE)


class DeviceRequest(Record):
    """A device that waits for approval: its name, address and user agent, and what it asks for."""

    device: str  # The hash of the device code.
    client: str
    address: str
    agent: str
    scopes: tuple[Scope, ...] = READING
    asked_ms: int
    expires_ms: int


class DeviceDecision(Record):
    """The account that the token is for, and the session that approved it, which has to go on until
    the device gets the token; both are empty when the person refused."""

    account: str = ""
    session: str = ""


def read_scopes(text: str) -> tuple[Scope, ...]:
    """Return the scopes of a request, which are separated by spaces; raise `DeviceRefusal` for one
    that no device gets."""
    named = set(text.split())
    found = tuple(each for each in DEVICE_SCOPES if each.value in named)
    if len(found) < len(named):
        known = " ".join(each.value for each in DEVICE_SCOPES)
        raise DeviceRefusal(
            "scope-unknown",
            f"A device gets some of the scopes {known}. Send these, separated by spaces, or none "
            "for read.",
            error="invalid_scope",
        )
    return found or READING


def user_code(random: bytes) -> str:
    """Return the user code for random bytes, as people type it: `BCDF-GHJK`."""
    number = int.from_bytes(random)
    letters = ""
    for _ in range(USER_CODE_LENGTH):
        number, digit = divmod(number, len(USER_CODE_LETTERS))
        letters += USER_CODE_LETTERS[digit]
    return f"{letters[:4]}-{letters[4:]}"


def read_user_code(text: str) -> str | None:
    """Return a user code in its canonical form, whatever case and separators were typed."""
    letters = "".join(char for char in text.upper() if char.isalnum())
    if len(letters) != USER_CODE_LENGTH or any(char not in USER_CODE_LETTERS for char in letters):
        return None
    return f"{letters[:4]}-{letters[4:]}"


def read_client_name(text: str) -> str:
    """Return the name that a device gives itself, on one short printable line."""
    shown = "".join(char if char.isprintable() else " " for char in redact_tokens(text))
    line = " ".join(shown.split())
    return line[:MAX_CLIENT_NAME] or "a machine without a name"
