"""The command that logs a machine in: `python3 login.py [--id NAME] [--no-browser]`."""

from __future__ import annotations

import argparse
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
EXIT_INTERRUPTED = 130  # What shells know of a command that Ctrl-C ended.
DAY_S = 86_400


@dataclass(frozen=True)
class LoginOptions:
    """What is asked for."""

    address: str
    id: str = DEFAULT_ID
    sets_central: bool = False
    is_proxy: bool = False
    opens_browser: bool = True


@dataclass(frozen=True)
class LocalMachine:
    """What is around the command."""

    name: str
    environment: Mapping[str, str]
    print_line: Callable[[str], None]
    open_browser: Callable[[str], None]
    sleep: Callable[[float], None]
    stamp: Callable[[], str]


def local_machine() -> LocalMachine:
    """Return the machine that this runs on."""
    return LocalMachine(
        name=platform.node() or "a machine without a name",
        environment=os.environ,
        print_line=_say,
        open_browser=_browse,
        sleep=time.sleep,
        # The time of this machine names a file on it.
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
        "--proxy", action="store_true", help="read everything by this registry, nothing by Central"
    )
    parser.add_argument("--no-browser", action="store_true", help="open no page")
    chosen = parser.parse_args(arguments)
    options = LoginOptions(
        address=address,
        id=chosen.id,
        sets_central=chosen.central,
        is_proxy=chosen.proxy,
        opens_browser=not chosen.no_browser,
    )
    return run(options, local_machine())


def run(options: LoginOptions, laptop: LocalMachine) -> int:
    """Log in, and say in one sentence what stands in the way."""
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
    """Ask for a token, and put it into the settings."""
    registry = HttpRegistry(options.address)
    # First of all: who cannot keep the token is not asked to approve it.
    _settings(read(file) or "", options, account="me", token="")
    asked = request_login(registry, laptop.name)
    _invite(asked, options, laptop)
    given = wait_for_approval(registry, asked, laptop.sleep)
    laptop.print_line(f"Approved by {given.account}: {given.scopes}, {_lifetime(given)}.")
    before = read(file)
    text = _settings(before or "", options, account=given.account, token=given.token)
    if text == before:
        laptop.print_line(f"{file} is up to date.")
        return
    _report(file, replace(file, text, laptop.stamp()), options, laptop)


def _settings(text: str, options: LoginOptions, *, account: str, token: str) -> str:
    """Return the settings with the token in every entry that needs it."""
    url = f"{options.address.rstrip('/')}/2.0/maven"
    entries = [Repository(options.id, url, account, token)]
    proxy = f"{options.id}-central"
    if options.is_proxy:
        entries.append(Repository(proxy, url, account, token, proxy_central=True))
    elif proxy in repository_ids(text):
        # Its token ends with the one before this.
        entries.append(Repository(proxy, url, account, token))
    return merge_settings(text, entries, token if options.sets_central else None)


def _invite(asked: PendingLogin, options: LoginOptions, laptop: LocalMachine) -> None:
    laptop.print_line(f"Open this page, sign in, and enter the code:\n\n  {asked.page}\n")
    laptop.print_line(f"  {asked.user_code}\n")
    laptop.print_line(
        f"The code is good for {asked.expires_s / 60:.0f} minutes. Waiting; Ctrl-C stops."
    )
    is_ours = asked.page.startswith(options.address.rstrip("/") + "/")
    if options.opens_browser and is_ours:
        laptop.open_browser(asked.page)


def _report(file: Path, backup: Path | None, options: LoginOptions, laptop: LocalMachine) -> None:
    laptop.print_line(f"Wrote the entry {options.id!r} to {file}.")
    if backup:
        laptop.print_line(f"What was there before is in {backup}.")
    laptop.print_line(
        f"\nPublish from the folder of a package:\n\n  bal pack && bal push {_by(options)}\n"
    )
    laptop.print_line(f"Use what others published:\n\n  bal pull ORG/NAME:VERSION {_by(options)}")


def _by(options: LoginOptions) -> str:
    return f"--repository={options.id}"


def _lifetime(given: GrantedToken) -> str:
    return f"for {round(given.expires_s / DAY_S)} days"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _browse(address: str) -> None:
    """Open a page where there is a desktop; a browser inside this terminal would be in the way."""
    has_desktop = os.name == "nt" or sys.platform == "darwin"
    if has_desktop or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(address)
