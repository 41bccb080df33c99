"""The command that logs a machine in: `python3 login.py [--id NAME] [--no-browser]`."""

from __future__ import annotations

import argparse
import getpass
import os
import platform
import sys
import time
import webbrowser
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.login.device_login import (
    GrantedToken,
    HttpRegistry,
    LoginFailed,
    PendingLogin,
    owner_of,
    request_login,
    wait_for_approval,
)
from shared.login.settings_file import (
    Repository,
    SettingsUnmergeable,
    SettingsUnwritable,
    merge_settings,
    read,
    replace,
    repository_ids,
    settings_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

DEFAULT_ID = "ballroom"
EXIT_INTERRUPTED = 130  # The exit code of a command that Ctrl-C ended.
DAY_S = 86_400


@dataclass(frozen=True)
class LoginOptions:
    address: str
    id: str = DEFAULT_ID
    sets_central: bool = False
    is_proxy: bool = False
    opens_browser: bool = True
    has_token: bool = False


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
        print_line=_print_line,
        ask_token=getpass.getpass,
        open_browser=_open_browser,
        sleep=time.sleep,
        # The local clock is good enough for the name of a local file.
        stamp=lambda: time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    )


def main(arguments: list[str], address: str) -> int:
    """Log this machine in to the registry at `address`; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="login.py", description=f"Put an access token for {address} into Settings.toml."
    )
    parser.add_argument(
        "--id", default=DEFAULT_ID, help="name of the registry's entry (%(default)s)"
    )
    parser.add_argument("--central", action="store_true", help="set the token of [central] as well")
    parser.add_argument(
        "--proxy",
        action="store_true",
        help="read all packages from this registry, none from Central",
    )
    parser.add_argument(
        "--token",
        action="store_true",
        help="use a token that you have: the variable BALLROOM_TOKEN, or what you type",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    chosen = parser.parse_args(arguments)
    options = LoginOptions(
        address=address,
        id=chosen.id,
        sets_central=chosen.central,
        is_proxy=chosen.proxy,
        opens_browser=not chosen.no_browser,
        has_token=chosen.token,
    )
    return run(options, local_machine())


def run(options: LoginOptions, laptop: LocalMachine) -> int:
    """Log in, or print in one sentence why not; return the exit code."""
    file = settings_file(laptop.environment)
    try:
        log_in(options, laptop, file)
    except SettingsUnmergeable as reason:
        laptop.print_line(f"{file} was left as it is. {reason}")
    except (SettingsUnwritable, LoginFailed) as reason:
        laptop.print_line(str(reason))
    except KeyboardInterrupt:
        laptop.print_line("Stopped. Nothing was changed.")
        return EXIT_INTERRUPTED
    else:
        return 0
    return 1


def log_in(options: LoginOptions, laptop: LocalMachine, file: Path) -> None:
    """Request a token, wait for its approval, and write it to the settings."""
    registry = HttpRegistry(options.address)
    # Checked first: nobody approves a token that cannot be written.
    _settings(read(file) or "", options, account="me", token="")
    if options.has_token:
        token = _given_token(laptop)
        account = owner_of(registry, token)
        laptop.print_line(f"The token belongs to {account}.")
    else:
        granted = _requested_token(registry, options, laptop)
        account, token = granted.account, granted.token
    before = read(file)
    text = _settings(before or "", options, account=account, token=token)
    if text == before:
        laptop.print_line(f"{file} is up to date.")
        return
    _report(file, replace(file, text, laptop.stamp()), options, laptop)


def _requested_token(
    registry: HttpRegistry, options: LoginOptions, laptop: LocalMachine
) -> GrantedToken:
    login = request_login(registry, laptop.name)
    _print_code(login, options, laptop)
    granted = wait_for_approval(registry, login, laptop.sleep)
    laptop.print_line(f"Approved by {granted.account}: {granted.scopes}, {_lifetime(granted)}.")
    return granted


def _given_token(laptop: LocalMachine) -> str:
    """Return the token of the environment, or one that is typed without being shown."""
    try:
        return laptop.environment.get("BALLROOM_TOKEN") or laptop.ask_token("Access token: ")
    except EOFError:
        message = "There is no terminal to type the token. Set the variable BALLROOM_TOKEN to it."
        raise LoginFailed(message) from None


def _settings(text: str, options: LoginOptions, *, account: str, token: str) -> str:
    """Return the settings with the token in every entry that needs it."""
    url = f"{options.address.rstrip('/')}/2.0/maven"
    entries = [Repository(options.id, url, account, token)]
    proxy = f"{options.id}-central"
    if options.is_proxy:
        entries.append(Repository(proxy, url, account, token, proxy_central=True))
    elif proxy in repository_ids(text):
        # This login replaces its token as well.
        entries.append(Repository(proxy, url, account, token))
    return merge_settings(text, entries, token if options.sets_central else None)


def _print_code(login: PendingLogin, options: LoginOptions, laptop: LocalMachine) -> None:
    laptop.print_line(f"Open this page, sign in, and enter the code:\n\n  {login.page}\n")
    laptop.print_line(f"  {login.user_code}\n")
    laptop.print_line(
        f"The code is good for {login.expires_s / 60:.0f} minutes. Waiting; Ctrl-C stops."
    )
    is_ours = login.page.startswith(options.address.rstrip("/") + "/")
    if options.opens_browser and is_ours:
        laptop.open_browser(login.page)


def _report(file: Path, backup: Path | None, options: LoginOptions, laptop: LocalMachine) -> None:
    laptop.print_line(f"Wrote the entry {options.id!r} to {file}.")
    if backup:
        laptop.print_line(f"What was there before is in {backup}.")
    option = f"--repository={options.id}"
    laptop.print_line(
        f"\nPublish from the folder of a package:\n\n  bal pack && bal push {option}\n"
    )
    laptop.print_line(f"Use what others published:\n\n  bal pull ORG/NAME:VERSION {option}")


def _lifetime(granted: GrantedToken) -> str:
    return f"for {round(granted.expires_s / DAY_S)} days"


def _print_line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _open_browser(address: str) -> None:
    """Open a page if there is a desktop; a browser in this terminal would hide the output."""
    has_desktop = os.name == "nt" or sys.platform == "darwin"
    if has_desktop or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(address)
