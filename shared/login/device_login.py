"""Requesting an access token, which a person approves in a browser (RFC 8628)."""

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
SLOWER_S = 5.0  # Added to the interval for each slow_down, as in the RFC, and for each failure.
SHORTEST_S = 0.2  # The least interval, whatever a registry says.
TIMEOUT_S = 30.0
LARGEST_ANSWER_BYTES = 65_536  # An answer has a few hundred bytes.
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_OK = 200
_BUSY = (429, 500, 502, 503, 504)  # It may succeed later.


class LoginFailed(Exception):
    """No token was granted; the text is a sentence that says why."""


class RegistryUnreachable(LoginFailed):
    """The registry did not answer; it may later."""


class RegistryApi(Protocol):
    """The requests that a login sends."""

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Answer]:
        """Send a form, and return status and JSON; raise `RegistryUnreachable`."""
        ...


@dataclass(frozen=True)
class PendingLogin:
    """A requested login that waits for approval."""

    device_code: str
    user_code: str
    page: str
    interval_s: float
    expires_s: float


@dataclass(frozen=True)
class GrantedToken:
    """A token and its account."""

    token: str
    account: str
    scopes: str
    expires_s: int


class HttpRegistry:
    """A registry at an address, over HTTP."""

    def __init__(self, address: str) -> None:
        """Raise `LoginFailed` for an address at which others could read the token."""
        parts = urlsplit(address)
        if not parts.hostname or parts.scheme not in ("http", "https"):
            message = (
                f"{address!r} is not a valid URL. Use one such as https://ballroom.example.org."
            )
            raise LoginFailed(message)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            message = "Others could read the token along on plain http. Use an https address."
            raise LoginFailed(message)
        self.address = address.rstrip("/")
        # A proxy of the environment cannot reach a server on this machine.
        proxies = [urllib.request.ProxyHandler({})] if parts.hostname in LOOPBACK else []
        self._opener = urllib.request.build_opener(_NoRedirects, *proxies)

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Answer]:
        """Send a form, and return status and JSON; raise `RegistryUnreachable`."""
        return self._send(path, urlencode(fields).encode(), {})

    def get(self, path: str, token: str) -> tuple[int, Answer]:
        """Read JSON with a token, and return it with the status; raise `RegistryUnreachable`."""
        return self._send(path, None, {"Authorization": f"Bearer {token}"})

    def _send(
        self, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Answer]:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked.
            self.address + path,
            data=body,
            headers={"Accept": "application/json", "User-Agent": "ballroom-login", **headers},
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
    """Refuses redirects, so that codes and tokens are sent only to the given address."""

    def redirect_request(self, *_arguments: object, **_more: object) -> None:
        """Follow no redirect; `urllib` then raises `HTTPError`."""


def request_login(registry: RegistryApi, client: str) -> PendingLogin:
    """Request a token for this machine, which is called `client`."""
    status, answer = registry.post("/api/v1/device", {"client_id": client})
    if status != _OK:
        raise LoginFailed(
            _reason(answer) or f"This is not a registry that issues tokens ({status})."
        )
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
    registry: RegistryApi, login: PendingLogin, sleep: Callable[[float], None]
) -> GrantedToken:
    """Poll until somebody decides; raise `LoginFailed` if the login is denied or expires."""
    fields = {"grant_type": GRANT_TYPE, "device_code": login.device_code}
    interval, waited = max(login.interval_s, SHORTEST_S), 0.0
    while waited < login.expires_s:
        sleep(interval)
        waited += interval
        status, answer = _poll(registry, fields)
        if status == _OK:
            return _granted(answer)
        error = answer.get("error")
        if status in _BUSY or error == "slow_down":
            interval += SLOWER_S
        elif error != "authorization_pending":
            raise LoginFailed(_reason(answer) or f"The registry gave no token ({status}).")
    message = "Nobody approved in time. Log in again for a new code."
    raise LoginFailed(message)


def owner_of(registry: HttpRegistry, token: str) -> str:
    """Return the name of the account or organization of a token; raise `LoginFailed`."""
    if not token.isascii() or not token.isprintable() or not token:
        message = "That is no access token. Copy it from the page that showed it."
        raise LoginFailed(message)
    status, answer = registry.get("/api/v1/whoami", token)
    if status != _OK:
        raise LoginFailed(_reason(answer) or f"The registry does not accept the token ({status}).")
    return str(answer.get("name") or "me")


def _poll(registry: RegistryApi, fields: Mapping[str, str]) -> tuple[int, Answer]:
    try:
        return registry.post("/api/v1/device/token", fields)
    except RegistryUnreachable:
        return _BUSY[0], {}  # It may be restarting; the code is valid for some minutes.


def _granted(answer: Answer) -> GrantedToken:
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
    """Return the sentence of a refusal, of OAuth or of the API of the registry."""
    error = answer.get("error")
    own = cast("Answer", error).get("message") if isinstance(error, dict) else None
    said = answer.get("error_description") or own
    # The text is printed to a terminal, so control characters are removed.
    return "".join(c for c in str(said) if c.isprintable()) if said else ""


def _json(content: bytes) -> Answer:
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return cast("Answer", value) if isinstance(value, dict) else {}
