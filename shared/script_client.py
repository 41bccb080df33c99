"""What the files that are run by themselves have in common: how they call a registry, find its
token, read archives, and write files.

A registry serves such a file with this module's text in place of its import
(`functions/http/scripts.py`), so it needs Python 3.9 or later, and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import urllib.error
import urllib.request
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from email.message import Message

LARGEST_ANSWER_BYTES = 1_000_000
# The size of package.json and of dependency-graph.json in an archive.
LARGEST_PART_BYTES = 10_000_000
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# What `urllib` raises where no answer comes, or one that is no HTTP; a host name that cannot be
# encoded is a `UnicodeError`.
UNREACHABLE = (OSError, HTTPException, UnicodeError)
BUSY_STATUSES = (429, 500, 502, 503, 504)  # A repeated request may succeed.
FIRST_PAUSE_S = 1.0  # Before the second try; doubled with every try.


# --- Calls --------------------------------------------------------------------------------------


class EndlessAnswer(Exception):
    """An answer did not end in time."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Refuses redirects, so that tokens are sent only to the given address."""

    def redirect_request(self, *_arguments: object, **_more: object) -> None:
        """Follow no redirect; `urllib` then raises `HTTPError`."""


def opener_of(
    address: str, *handlers: type[urllib.request.BaseHandler]
) -> urllib.request.OpenerDirector:
    """Return what opens requests of an address, with these handlers, and follows no redirect."""
    # A proxy of the environment cannot reach a server on this machine.
    is_here = urlsplit(address).hostname in LOOPBACK
    proxies = [urllib.request.ProxyHandler({})] if is_here else []
    return urllib.request.build_opener(NoRedirects, *proxies, *handlers)


def flaw_of_address(address: str, *, has_token: bool) -> str:
    """Return why a registry is not called at the address, in a sentence; empty if it is."""
    flaw = f"{address!r} is not a valid URL. Use one that begins with https://."
    try:
        parts = urlsplit(address)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # A bracket is open, or the port is no number.
        return flaw
    if not has_host or parts.scheme not in ("http", "https"):
        return flaw
    if has_token and parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return "Others could read the token along on plain http. Use an https address."
    return ""


@dataclass(frozen=True)
class HttpAnswer:
    """The status and the headers of an answer, and its body up to a limit."""

    status: int
    headers: Message
    content: bytes
    is_cut: bool = False  # Whether fewer bytes came than the headers announce.

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - as HTTP has it.

    @property
    def fields(self) -> Mapping[str, object]:
        """The JSON object of the body; an empty one for anything else."""
        return read_object(self.content)

    @property
    def refusal(self) -> str:
        """Why the registry refused the request; empty if the answer does not say it."""
        return sentence_of_refusal(self.fields)

    @property
    def asked_pause_s(self) -> float:
        """The seconds of `Retry-After`; 0 without it, and for a date."""
        retry_after = self.headers.get("Retry-After", "")
        return float(retry_after) if retry_after.isdecimal() else 0.0


def send(
    opener: urllib.request.OpenerDirector,
    request: urllib.request.Request,
    *,
    timeout_s: float,
    limit: int = LARGEST_ANSWER_BYTES,
) -> HttpAnswer:
    """Return the answer to a request, whatever its status, with at most `limit` bytes of its body,
    and of a refusal at most a megabyte. Raise one of `UNREACHABLE` if there is none."""
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            content = answer.read(limit)
            is_cut = len(content) < limit and bool(answer.length)
            return HttpAnswer(int(answer.status), answer.headers, content, is_cut)
    except urllib.error.HTTPError as error:
        with error:
            content = b""
            with suppress(*UNREACHABLE, EndlessAnswer):  # The status says enough.
                content = error.read(min(limit, LARGEST_ANSWER_BYTES))
            return HttpAnswer(error.code, error.headers, content)


def send_with_retries(
    make: Callable[[], urllib.request.Request],
    send_once: Callable[[urllib.request.Request], HttpAnswer],
    *,
    tries: int,
    longest_pause_s: float,
    pause: Callable[[HttpAnswer | Exception, float], None],
) -> HttpAnswer | Exception:
    """Make and send a request again while the server is busy or away. Return the last answer, or
    one of `UNREACHABLE` if there was none at the last try.

    `pause` gets the reason and the seconds to wait: those that the server asks for, if any. If it
    asks for more than `longest_pause_s`, the request is not repeated. What `make` and `pause` raise
    ends it.
    """
    number = 0
    while True:
        request = make()
        pause_s = FIRST_PAUSE_S * 2**number
        number += 1
        result: HttpAnswer | Exception
        try:
            result = send_once(request)
        except UNREACHABLE as error:
            result = error
        else:
            pause_s = result.asked_pause_s or pause_s
            if result.status not in BUSY_STATUSES or pause_s > longest_pause_s:
                return result
        if number == tries:
            return result
        pause(result, pause_s)


# --- Texts --------------------------------------------------------------------------------------


def print_all_characters() -> None:
    """Let characters be printed that the encoding of the output lacks, as escapes: on Windows the
    one of a file or a pipe has few."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # Not so where a program took the place of the stream.
            reconfigure(errors="backslashreplace")


def print_line(text: str) -> None:
    """Print a line at once, also into a file or a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def counted(number: int, thing: str) -> str:
    """Return a number with what it counts, one or several: `1 second`, `2 seconds`."""
    return f"{number:,} {thing if number == 1 else f'{thing}s'}"


def unreachable(address: str, error: Exception) -> str:
    """Return the sentence that an address did not answer, and why."""
    return f"{address} cannot be reached: {printable(getattr(error, 'reason', None) or error)}."


def read_object(content: bytes) -> Mapping[str, object]:
    """Return a JSON object; an empty one for anything else."""
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def objects_in(value: object) -> list[Mapping[str, object]]:
    """Return the objects of a list in an answer; none if it is no list."""
    rows = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, object]", each) for each in rows if isinstance(each, dict)]


def printable(text: object) -> str:
    """Return a text of others without control characters, since a terminal shows it."""
    shown = str(text or "")
    return shown if shown.isprintable() else "".join(c for c in shown if c.isprintable())


def sentence_of_refusal(answer: Mapping[str, object]) -> str:
    """Return why a registry refused a request; empty if its answer does not say it."""
    error = answer.get("error")
    own = cast("Mapping[str, object]", error).get("message") if isinstance(error, dict) else None
    return printable(own or answer.get("error_description") or answer.get("message"))


# --- The token -----------------------------------------------------------------------------------


def is_token(text: str) -> bool:
    """Check whether a text can be a token; `http.client` prints others in its error."""
    return bool(text) and text.isascii() and text.isprintable()


def settings_file(environment: Mapping[str, str]) -> Path:
    """Return the place of the Settings.toml of `bal`."""
    folder = environment.get("BALLERINA_HOME_DIR")
    return (Path(folder) if folder else Path.home() / ".ballerina") / "Settings.toml"


_ENTRY = re.compile(r"^\s*\[\[repository\.maven\]\]\s*$(.*?)(?=^\s*\[|\Z)", re.M | re.S)
_VALUE = re.compile(r"""^\s*(url|accesstoken)\s*=\s*["']([^"'\n]*)["']""", re.M)


def token_for(address: str, environment: Mapping[str, str], option: str = "") -> str:
    """Return the token for a registry: that of the option, else of BALLROOM_TOKEN, else the one
    that a login put into Settings.toml; empty without any."""
    given = option or environment.get("BALLROOM_TOKEN", "")
    return given.strip() or _token_of_settings(environment, address)


def _token_of_settings(environment: Mapping[str, str], address: str) -> str:
    """Return the token that a login put into Settings.toml for the registry, outside of CI."""
    if environment.get("CI") or environment.get("TF_BUILD") or environment.get("JENKINS_URL"):
        return ""
    try:
        text = settings_file(environment).read_text("utf-8")
    except (OSError, ValueError):
        return ""
    for entry in _ENTRY.finditer(text):
        values = dict(_VALUE.findall(entry[1]))
        if str(values.get("url", "")).startswith(f"{address}/"):
            return str(values.get("accesstoken", ""))
    return ""


# --- Files ---------------------------------------------------------------------------------------


def part_of_archive(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a file of an archive; empty if it has none, or one that is too long. What `zipfile`
    raises for a damaged archive is raised."""
    if name not in archive.NameToInfo or archive.getinfo(name).file_size > LARGEST_PART_BYTES:
        return b""
    if archive.getinfo(name).compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        message = f"{name} is compressed in a way that no archive of a package is."
        raise zipfile.BadZipFile(message)
    try:
        with archive.open(name) as part:
            return part.read(LARGEST_PART_BYTES)
    except zlib.error as error:
        raise zipfile.BadZipFile(str(error)) from None


def replace_file(file: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file, so that a crash or an error leaves the one before or this one. `mode` is that
    of a file that `open` creates."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}.new")
    create_file(draft, content, mode)
    try:
        draft.replace(file)
    except BaseException:
        draft.unlink()
        raise


def create_file(file: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there yet, whole or not at all; raise `FileExistsError`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(file, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        file.unlink()
        raise
