"""The command that logs a laptop in: `python3 login.py [--id NAME] [--no-browser]`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import webbrowser
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.login.asking import Asked, Given, HttpRegistry, NotGiven, ask, wait
from shared.login.merging import Repository, Unmergeable, merged, repository_ids
from shared.login.writing import Unwritable, read, replace, settings_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ID = "ballroom"
STOPPED = 130  # What shells know of a command that Ctrl-C ended.
DAY_S = 86_400


@dataclass(frozen=True)
class Options:
    """What is asked for."""

    address: str
    id: str = ID
    sets_central: bool = False
    is_proxy: bool = False
    opens_browser: bool = True


@dataclass(frozen=True)
class Laptop:
    """What is around the command."""

    name: str
    environment: Mapping[str, str]
    say: Callable[[str], None]
    browse: Callable[[str], None]
    sleep: Callable[[float], None]
    stamp: Callable[[], str]


def this_laptop() -> Laptop:
    """Return the machine that this runs on."""
    return Laptop(
        name=platform.node() or "a machine without a name",
        environment=os.environ,
        say=_say,
        browse=_browse,
        sleep=time.sleep,
        # The time of this machine names a file on it.
        stamp=lambda: time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    )


def main(arguments: list[str], address: str) -> int:
    """Log this machine in to the registry at `address`; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="login.py", description=f"Put an access token for {address} into Settings.toml."
    )
    parser.add_argument("--id", default=ID, help="name of the registry's entry (%(default)s)")
    parser.add_argument("--central", action="store_true", help="set the token of [central] as well")
    parser.add_argument(
        "--proxy", action="store_true", help="read everything by this registry, nothing by Central"
    )
    parser.add_argument("--no-browser", action="store_true", help="open no page")
    chosen = parser.parse_args(arguments)
    options = Options(
        address=address,
        id=chosen.id,
        sets_central=chosen.central,
        is_proxy=chosen.proxy,
        opens_browser=not chosen.no_browser,
    )
    return run(options, this_laptop())


def run(options: Options, laptop: Laptop) -> int:
    """Log in, and say in one sentence what stands in the way."""
    file = settings_file(laptop.environment)
    try:
        log_in(options, laptop, file)
    except Unmergeable as reason:
        laptop.say(f"{file} was left as it is. {reason}")
    except (Unwritable, NotGiven) as reason:
        laptop.say(str(reason))
    except KeyboardInterrupt:
        laptop.say("Stopped. Nothing was changed.")
        return STOPPED
    else:
        return 0
    return 1


def log_in(options: Options, laptop: Laptop, file: Path) -> None:
    """Ask for a token, and put it into the settings."""
    registry = HttpRegistry(options.address)
    # First of all: who cannot keep the token is not asked to approve it.
    _settings(read(file) or "", options, account="me", token="")
    asked = ask(registry, laptop.name)
    _invite(asked, options, laptop)
    given = wait(registry, asked, laptop.sleep)
    laptop.say(f"Approved by {given.account}: {given.scopes}, {_lifetime(given)}.")
    before = read(file)
    text = _settings(before or "", options, account=given.account, token=given.token)
    if text == before:
        laptop.say(f"{file} is up to date.")
        return
    _report(file, replace(file, text, laptop.stamp()), options, laptop)


def _settings(text: str, options: Options, *, account: str, token: str) -> str:
    """Return the settings with the token in every entry that needs it."""
    url = f"{options.address.rstrip('/')}/2.0/maven"
    entries = [Repository(options.id, url, account, token)]
    proxy = f"{options.id}-central"
    if options.is_proxy:
        entries.append(Repository(proxy, url, account, token, proxy_central=True))
    elif proxy in repository_ids(text):
        # Its token ends with the one before this.
        entries.append(Repository(proxy, url, account, token))
    return merged(text, entries, token if options.sets_central else None)


def _invite(asked: Asked, options: Options, laptop: Laptop) -> None:
    laptop.say(f"Open this page, sign in, and enter the code:\n\n  {asked.page}\n")
    laptop.say(f"  {asked.user_code}\n")
    laptop.say(f"The code is good for {asked.expires_s / 60:.0f} minutes. Waiting; Ctrl-C stops.")
    is_ours = asked.page.startswith(options.address.rstrip("/") + "/")
    if options.opens_browser and is_ours:
        laptop.browse(asked.page)


def _report(file: Path, backup: Path | None, options: Options, laptop: Laptop) -> None:
    laptop.say(f"Wrote the entry {options.id!r} to {file}.")
    if backup:
        laptop.say(f"What was there before is in {backup}.")
    laptop.say(
        f"\nPublish from the folder of a package:\n\n  bal pack && bal push {_by(options)}\n"
    )
    laptop.say(f"Use what others published:\n\n  bal pull ORG/NAME:VERSION {_by(options)}")


def _by(options: Options) -> str:
    return f"--repository={options.id}"


def _lifetime(given: Given) -> str:
    return f"for {round(given.expires_s / DAY_S)} days"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _browse(address: str) -> None:
    """Open a page where there is a desktop; a browser inside this terminal would be in the way."""
    has_desktop = os.name == "nt" or sys.platform == "darwin"
    if has_desktop or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(address)
