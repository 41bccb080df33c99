"""Asking a registry for a token, which a person approves in a browser (RFC 8628)."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Answer = Mapping[str, object]

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER_S = 5.0  # Added for each slow_down, as the RFC has it, and for each failure on the way.
SHORTEST_S = 0.2  # Whatever a registry says, nobody asks more often.
TIMEOUT_S = 30.0
LARGEST_ANSWER_BYTES = 65_536  # An answer has a few hundred.
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_OK = 200
_BUSY = (429, 500, 502, 503, 504)  # It may succeed later.


class LoginFailed(Exception):
    """There is no token; the text is a sentence that says why."""


class RegistryUnreachable(LoginFailed):
    """The registry did not answer."""


class RegistryApi(Protocol):
    """What is asked of a registry."""

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Answer]:
        """Send a form, and return status and JSON; raise `RegistryUnreachable`."""
        ...


@dataclass(frozen=True)
class PendingLogin:
    """A question that waits for somebody to approve it."""

    device_code: str
    user_code: str
    page: str
    interval_s: float
    expires_s: float


@dataclass(frozen=True)
class GrantedToken:
    """A token, and whom it is of."""

    token: str
    account: str
    scopes: str
    expires_s: int


class HttpRegistry:
    """A registry at an address."""

    def __init__(self, address: str) -> None:
        """Refuse an address by which others could read the token along."""
        parts = urlsplit(address)
        if not parts.hostname or parts.scheme not in ("http", "https"):
            message = f"{address!r} is no address. Write it as https://ballroom.example.org."
            raise LoginFailed(message)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            message = "Others could read the token along on plain http. Use an https address."
            raise LoginFailed(message)
        self.address = address.rstrip("/")
        # A corporate proxy leads to no server on this machine, whatever the environment says.
        proxies = [urllib.request.ProxyHandler({})] if parts.hostname in LOOPBACK else []
        self._opener = urllib.request.build_opener(_NoRedirects, *proxies)

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Answer]:
        """Send a form, and return status and JSON; raise `RegistryUnreachable`."""
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at.
            self.address + path,
            data=urlencode(fields).encode(),
            headers={"Accept": "application/json", "User-Agent": "ballroom-login"},
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                return int(answer.status), _json(answer.read(LARGEST_ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _json(error.read(LARGEST_ANSWER_BYTES))
        except OSError as error:
            reason = getattr(error, "reason", None) or error
            message = f"{self.address} cannot be reached: {reason}. Check the address."
            raise RegistryUnreachable(message) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Codes and tokens go to the address that was given, and to no other."""

    def redirect_request(self, *_arguments: object, **_more: object) -> None:
        """Return nothing to follow."""


def request_login(registry: RegistryApi, client: str) -> PendingLogin:
    """Ask for a token for this machine, which is called `client`."""
    status, answer = registry.post("/api/v1/device", {"client_id": client})
    if status != _OK:
        raise LoginFailed(_reason(answer) or f"This is no registry that gives tokens ({status}).")
    try:
        return PendingLogin(
            device_code=str(answer["device_code"]),
            user_code=str(answer["user_code"]),
            page=str(answer["verification_uri"]),
            interval_s=float(str(answer.get("interval", SLOWER_S))),
            expires_s=float(str(answer["expires_in"])),
        )
    except (KeyError, ValueError):
        message = "The registry's answer cannot be read. Check the address."
        raise LoginFailed(message) from None


def wait_for_approval(
    registry: RegistryApi, asked: PendingLogin, sleep: Callable[[float], None]
) -> GrantedToken:
    """Ask again and again until somebody has decided; raise `LoginFailed` when it is no."""
    fields = {"grant_type": GRANT_TYPE, "device_code": asked.device_code}
    interval, waited = max(asked.interval_s, SHORTEST_S), 0.0
    while waited < asked.expires_s:
        sleep(interval)
        waited += interval
        status, answer = _poll(registry, fields)
        if status == _OK:
            return _given(answer)
        error = answer.get("error")
        if status in _BUSY or error == "slow_down":
            interval += SLOWER_S
        elif error != "authorization_pending":
            raise LoginFailed(_reason(answer) or f"The registry gave no token ({status}).")
    message = "Nobody approved in time. Log in again for a new code."
    raise LoginFailed(message)


def _poll(registry: RegistryApi, fields: Mapping[str, str]) -> tuple[int, Answer]:
    try:
        return registry.post("/api/v1/device/token", fields)
    except RegistryUnreachable:
        return _BUSY[0], {}  # It may be starting anew; the code is good for some minutes.


def _given(answer: Answer) -> GrantedToken:
    try:
        return GrantedToken(
            token=str(answer["access_token"]),
            account=str(answer["account"]),
            scopes=str(answer["scope"]),
            expires_s=int(str(answer["expires_in"])),
        )
    except (KeyError, ValueError):
        message = "The registry's answer cannot be read. Check the address."
        raise LoginFailed(message) from None


def _reason(answer: Answer) -> str:
    """Return the sentence of a refusal: of OAuth, or of our own API."""
    error = answer.get("error")
    own = cast("Answer", error).get("message") if isinstance(error, dict) else None
    said = answer.get("error_description") or own
    # Whatever a server says goes to a terminal: no character of it may do anything there.
    return "".join(c for c in str(said) if c.isprintable()) if said else ""


def _json(content: bytes) -> Answer:
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return cast("Answer", value) if isinstance(value, dict) else {}
