"""Log this machine in to the registry at https://ballroom.example.org.

    curl -fsS https://ballroom.example.org/login.py | python3 -
    python3 login.py --help

It asks the registry for an access token, which you approve in a browser (RFC 8628), and puts it
into ~/.ballerina/Settings.toml, or into the folder that BALLERINA_HOME_DIR names. What else is in
that file stays, and a copy of it is kept beside it. It needs Python 3.9 or later, and nothing else:
the registry serves this module, with its own address, to people who have none of its packages.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import platform
import re
import secrets
import sys
import time
import urllib.request
import webbrowser
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from shared.script_client import (
    BUSY_STATUSES,
    UNREACHABLE,
    counted,
    create_file,
    flaw_of_address,
    is_token,
    opener_of,
    print_all_characters,
    print_line,
    replace_file,
    send,
    sentence_of_refusal,
    settings_file,
    unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Answer = Mapping[str, object]

ADDRESS = "https://ballroom.example.org"  # A registry serves this file with its own.
DEFAULT_ID = "ballroom"
EXIT_INTERRUPTED = 130  # The exit code of a command that Ctrl-C ended.

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
PUSH_SCOPES = "read push-new push-version deprecate"
SLOWER_S = 5.0  # Added to the interval for each slow_down, as in the RFC, and for each failure.
SHORTEST_S = 0.2  # The least interval, whatever a registry says.
TIMEOUT_S = 30.0
LARGEST_REPLY_BYTES = 65_536  # A reply to a login has a few hundred bytes.
LARGEST_FILE_BYTES = 1_000_000  # A larger file cannot be written by hand.

_MINUTE_S = 60
_DAY_S = 86_400
_OWNER_ONLY = 0o600


class LoginFailed(Exception):
    """No token was granted or written; the text is a sentence that says why."""


class RegistryUnreachable(LoginFailed):
    """The registry did not answer; it may later."""


class SettingsUnmergeable(Exception):
    """The settings cannot be changed safely; the text is a sentence for their owner."""


@dataclass
class LoginOptions:
    """What was asked for; `argparse` sets what is given."""

    address: str
    id: str = DEFAULT_ID
    sets_central: bool = False
    is_proxy: bool = False
    opens_browser: bool = True
    has_token: bool = False
    pushes: bool = False


@dataclass(frozen=True)
class LocalMachine:
    """The parts of the machine that the command uses, so that tests can replace them."""

    name: str
    environment: Mapping[str, str]
    print_line: Callable[[str], None]
    ask_token: Callable[[str], str]
    open_browser: Callable[[str], None]
    sleep: Callable[[float], None]
    stamp: Callable[[], str]


def local_machine() -> LocalMachine:
    return LocalMachine(
        name=platform.node() or "a machine without a name",
        environment=os.environ,
        print_line=print_line,
        ask_token=getpass.getpass,
        open_browser=_open_browser,
        sleep=time.sleep,
        # The local clock is good enough for the name of a local file.
        stamp=lambda: time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    )


def main(arguments: list[str], address: str) -> int:
    """Log this machine in to the registry at `address`; return the exit code."""
    print_all_characters()
    parser = argparse.ArgumentParser(
        prog="login.py", description=f"Put an access token for {address} into Settings.toml."
    )
    add = parser.add_argument
    flag = "store_true"
    add("--id", default=DEFAULT_ID, help="name of the registry's entry (%(default)s)")
    add("--central", action=flag, dest="sets_central", help="set the token of [central] as well")
    add(
        "--push", action=flag, dest="pushes", help="request a token that publishes, not reads alone"
    )
    add("--proxy", action=flag, dest="is_proxy", help="read all packages here, none from Central")
    add(
        "--token",
        action=flag,
        dest="has_token",
        help="use a token that you have: the variable BALLROOM_TOKEN, or what you type",
    )
    add("--no-browser", action="store_false", dest="opens_browser", help="do not open a browser")
    return run(parser.parse_args(arguments, LoginOptions(address)), local_machine())


def run(options: LoginOptions, machine: LocalMachine) -> int:
    """Log in, or print in one sentence why not; return the exit code."""
    file = settings_file(machine.environment)
    try:
        _log_in(options, machine, file)
    except SettingsUnmergeable as reason:
        machine.print_line(f"{file} was left as it is. {reason}")
    except LoginFailed as reason:
        machine.print_line(str(reason))
    except KeyboardInterrupt:
        machine.print_line("Stopped. Nothing was changed.")
        return EXIT_INTERRUPTED
    else:
        return 0
    return 1


def _log_in(options: LoginOptions, machine: LocalMachine, file: Path) -> None:
    """Request a token, wait for its approval, and write it to the settings."""
    registry = HttpRegistry(options.address)
    # Checked first: nobody approves a token that cannot be written.
    merge_settings(read(file), options, account="me", token="")
    if options.has_token:
        try:
            given = machine.environment.get("BALLROOM_TOKEN")
            token = given or machine.ask_token("Access token: ")  # It is not shown.
        except EOFError:
            message = "There is no terminal to type the token. Set the variable BALLROOM_TOKEN."
            raise LoginFailed(message) from None
        account = owner_of(registry, token)
        machine.print_line(f"The token belongs to {account}.")
    else:
        account, token = request_token(registry, options, machine)
    before = read(file)
    text = merge_settings(before, options, account=account, token=token)
    if text == before:
        machine.print_line(f"{file} is up to date.")
        return
    backup = replace(file, text, machine.stamp())
    machine.print_line(f"Wrote the entry {options.id!r} to {file}.")
    if backup:
        machine.print_line(f"What was there before is in {backup}.")
    option = f"--repository={options.id}"
    machine.print_line(f"\nUse what others published:\n\n  bal pull ORG/NAME:VERSION {option}\n")
    if options.pushes or options.has_token:
        way = f"bal pack && bal push {option}"
        machine.print_line(f"Publish from the folder of a package:\n\n  {way}")
    else:
        machine.print_line("The token reads. To publish from this machine, log in with --push.")


def _open_browser(address: str) -> None:
    """Open a page if there is a desktop; a browser in this terminal would hide the output."""
    has_desktop = os.name == "nt" or sys.platform == "darwin"
    if has_desktop or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(address)


# --- The token ----------------------------------------------------------------------------------


class HttpRegistry:
    """A registry at an address, over HTTP."""

    def __init__(self, address: str) -> None:
        """Raise `LoginFailed` for an address at which others could read the token."""
        if flaw := flaw_of_address(address, has_token=True):
            raise LoginFailed(flaw)
        self.address = address.rstrip("/")
        self._opener = opener_of(address)

    def send(
        self, path: str, fields: Mapping[str, str] | None = None, token: str = ""
    ) -> tuple[int, Answer]:
        """Read JSON, or send a form, and return status and JSON; raise `RegistryUnreachable`."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked.
            self.address + path,
            data=None if fields is None else urlencode(fields).encode(),
            headers={"Accept": "application/json", "User-Agent": "ballroom-login", **headers},
        )
        try:
            answer = send(self._opener, request, timeout_s=TIMEOUT_S, limit=LARGEST_REPLY_BYTES)
        except UNREACHABLE as error:
            message = f"{unreachable(self.address, error)} Check the address."
            raise RegistryUnreachable(message) from None
        return answer.status, answer.fields


def request_token(
    registry: HttpRegistry, options: LoginOptions, machine: LocalMachine
) -> tuple[str, str]:
    """Request a token for this machine, and poll until somebody decides.

    Returns the account that approved it, and the token; raises `LoginFailed` if the request is
    denied or expires.
    """
    asked = {"client_id": machine.name, **({"scope": PUSH_SCOPES} if options.pushes else {})}
    status, answer = registry.send("/api/v1/device", asked)
    if status != HTTPStatus.OK:
        otherwise = f"This is not a registry that issues tokens ({status})."
        raise LoginFailed(sentence_of_refusal(answer) or otherwise)
    device_code, user_code, page, expires_in = _texts(
        answer, "device_code", "user_code", "verification_uri", "expires_in"
    )
    expires_s = _number(expires_in)
    waited = 0.0
    interval = max(_number(str(answer.get("interval", SLOWER_S))), SHORTEST_S)
    machine.print_line(
        f"Open this page, sign in, and enter the code:\n\n  {page}\n\n  {user_code}\n\n"
        f"The code is good for {expires_s / _MINUTE_S:.0f} minutes. Waiting; Ctrl-C stops."
    )
    if options.opens_browser and page.startswith(options.address.rstrip("/") + "/"):
        machine.open_browser(page)
    fields = {"grant_type": GRANT_TYPE, "device_code": device_code}
    while waited < expires_s:
        machine.sleep(interval)
        waited += interval
        try:
            status, answer = registry.send("/api/v1/device/token", fields)
        except RegistryUnreachable:
            interval += SLOWER_S  # It may be restarting; the code stays valid.
            continue
        if status == HTTPStatus.OK:
            names = ("account", "access_token", "scope", "expires_in")
            account, token, scopes, seconds = _texts(answer, *names)
            days = round(_number(seconds) / _DAY_S)
            machine.print_line(f"Approved by {account}: {scopes}, for {counted(days, 'day')}.")
            return account, token
        error = answer.get("error")
        if status in BUSY_STATUSES or error == "slow_down":
            interval += SLOWER_S
        elif error != "authorization_pending":
            otherwise = f"The registry gave no token ({status})."
            raise LoginFailed(sentence_of_refusal(answer) or otherwise)
    message = "Nobody approved in time. Log in again for a new code."
    raise LoginFailed(message)


def owner_of(registry: HttpRegistry, token: str) -> str:
    """Return the name of the account or organization of a token; raise `LoginFailed`."""
    if not is_token(token):
        message = "That is no access token. Copy it from the page that showed it."
        raise LoginFailed(message)
    status, answer = registry.send("/api/v1/whoami", token=token)
    if status != HTTPStatus.OK:
        otherwise = f"The registry does not accept the token ({status})."
        raise LoginFailed(sentence_of_refusal(answer) or otherwise)
    return str(answer.get("name") or "me")


def _texts(answer: Answer, *names: str) -> list[str]:
    try:
        return [str(answer[name]) for name in names]
    except KeyError:
        raise LoginFailed(_UNREADABLE) from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise LoginFailed(_UNREADABLE) from None


_UNREADABLE = "The registry's answer cannot be read. Check the address."


# --- Settings.toml ------------------------------------------------------------------------------

# A block that a login wrote: a comment, a header, and lines of these keys.
_BLOCK = re.compile(
    r"# The (?:registry|token of the registry) at [^\r\n]*\r?\n"
    r"(?:\[\[repository\.maven\]\]|\[central\])\r?\n"
    r"(?:(?:id|url|username|accesstoken|proxyCentral) = [^\r\n]*(?:\r?\n|\Z))+"
)
_IS_PROXY = re.compile(r"^\s*proxyCentral\s*=\s*true", re.M)
_IS_CENTRAL = re.compile(r"^\s*(?:\[+\s*[\"']?central\b|[\"']?central[\"']?\s*[.=])", re.M)


def merge_settings(text: str, options: LoginOptions, *, account: str, token: str) -> str:
    """Return the settings with the token in the blocks of this login, which replace those of an
    earlier one; all else stays as it is. Raises `SettingsUnmergeable`."""
    _require_toml(text)
    url = options.address.rstrip("/")
    entry = {"url": _quoted(f"{url}/2.0/maven"), "username": _quoted(account)}
    entry["accesstoken"] = _quoted(token)
    comment = f"# The registry at {url}"
    header = "[[repository.maven]]"
    wanted = {options.id: [comment, header, *_lines(options.id, entry, "false")]}
    proxy = f"{options.id}-central"
    if options.is_proxy or any(_is_of(each[0], proxy) for each in _BLOCK.finditer(text)):
        wanted[proxy] = [comment, header, *_lines(proxy, entry, "true")]
        if _IS_PROXY.search(_BLOCK.sub("", text)):
            message = (
                "Another entry is a proxy of Central already, and bal stops when there are two. "
                "Set its proxyCentral to false, and log in again."
            )
            raise SettingsUnmergeable(message)
    for name, lines in wanted.items():
        if _is_of(_BLOCK.sub("", text), name):
            message = (
                f"It has an entry {name!r} that no login wrote. Remove it, or choose another name "
                "with --id, and log in again."
            )
            raise SettingsUnmergeable(message)
        text = _with_block(text, lines, lambda block, name=name: _is_of(block, name))
    if options.sets_central:
        if _IS_CENTRAL.search(_BLOCK.sub("", text)):
            message = "It sets [central] already. Remove that, or log in without --central."
            raise SettingsUnmergeable(message)
        lines = [f"# The token of the registry at {url}", "[central]"]
        lines.append(f"accesstoken = {_quoted(token)}")
        text = _with_block(text, lines, lambda block: _IS_CENTRAL.search(block) is not None)
    _require_toml(text)
    return text


def _lines(name: str, entry: Mapping[str, str], proxy: str) -> list[str]:
    values = {"id": _quoted(name), **entry, "proxyCentral": proxy}
    return [f"{key} = {value}" for key, value in values.items()]


def _is_of(text: str, name: str) -> bool:
    """Check whether a text has an entry of that id."""
    spelt = "|".join(map(re.escape, (_quoted(name), f"'{name}'")))
    return re.search(rf"^\s*id\s*=\s*(?:{spelt})", text, re.M) is not None


def _with_block(text: str, lines: list[str], is_same: Callable[[str], bool]) -> str:
    """Replace the block that is the same one, or append it."""
    newline = "\r\n" if "\r\n" in text else "\n"
    block = newline.join(lines) + newline
    for found in _BLOCK.finditer(text):
        if is_same(found[0]):
            return text[: found.start()] + block + text[found.end() :]
    if not text.strip():
        return text + block
    return text + ("" if text.endswith("\n") else newline) + newline + block


def _require_toml(text: str) -> None:
    """Raise unless the text is TOML, as far as this Python can tell: from 3.11 on."""
    try:
        import tomllib  # noqa: PLC0415 - not in Python 3.9 and 3.10.
    except ImportError:
        return
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        message = f"It is not TOML: {error}. Mend it, or move it away, and log in again."
        raise SettingsUnmergeable(message) from None


def _quoted(text: str) -> str:
    """Return a quoted string; a JSON string is a TOML string except for U+007F."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def read(file: Path) -> str:
    """Return the settings unchanged, with their line ends; empty if the file does not exist."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _unwritable("read", file, error) from None
    if len(content) > LARGEST_FILE_BYTES:
        message = "It is far too large for settings. Move it away, and log in again."
        raise SettingsUnmergeable(message)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        message = "It is not UTF-8. Save it as UTF-8, and log in again."
        raise SettingsUnmergeable(message) from None


def replace(file: Path, text: str, stamp: str) -> Path | None:
    """Replace the settings atomically, readable by their owner only.

    Returns the backup of the previous file, named by the time `stamp`; None if there was none. A
    link is preserved, and its target replaced.
    """
    target = Path(os.path.realpath(file))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        backup = None
        if target.exists():
            backup = target.with_name(f"{target.name}.{stamp}.{secrets.token_hex(4)}.bak")
            create_file(backup, target.read_bytes(), _OWNER_ONLY)
        replace_file(target, text.encode("utf-8"), _OWNER_ONLY)
    except OSError as error:
        raise _unwritable("written", file, error) from None
    return backup


def _unwritable(verb: str, file: Path, error: OSError) -> LoginFailed:
    reason = (error.strerror or "it failed").lower()
    return LoginFailed(
        f"{file} cannot be {verb}: {reason}. Mend that, or name another folder by "
        "BALLERINA_HOME_DIR, and log in again."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], ADDRESS))
