"""The first start: creates the administrator and Settings.toml, and prints what every start prints.

The parent process alone does this, under a file lock and before the port answers. All of it may be
repeated: the next start finishes what a crash left.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from shared.auth.cookies import needs_https
from shared.auth.secrets import Secret
from shared.composition import Registry
from shared.domain.accounts import Account
from shared.domain.client_settings import client_settings
from shared.domain.errors.base import Refusal
from shared.domain.errors.organizations import AccountExists
from shared.domain.identity import OPERATOR
from shared.domain.rights import Scope
from shared.domain.search import Query, ResultPage
from shared.services.tokens import TokenRequest

ADMINISTRATOR = "admin"  # Unless an account has that name, or had it.

_EVERY_SCOPE = [scope.value for scope in Scope]

_WELCOME = """\
Ballroom serves {url}

  Settings   {settings}
  Sign in    {link}

Push a package:
  curl -f -H "Authorization: Bearer $(sed -n 's/^accesstoken = "\\(.*\\)"/\\1/p' {settings})" \
-F bala-file=@greet.bala {url}/2.0/registry/packages
Pull it:
  curl -fLO --remote-header-name -H "Accept: application/octet-stream" \
{url}/2.0/registry/packages/acme/greet/*
"""


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a person needs to use the registry that is about to answer.

    There is a sign-in link only where the registry serves this machine, and nobody who administers
    it is signed in: what is printed also ends up in logs of services and of containers.
    """

    base_url: str
    settings_file: Path
    administrator: str
    sign_in_link: Secret | None

    def __str__(self) -> str:
        """Return the lines that a start prints."""
        command = f"python -m shared.cli signin-link {self.administrator}"
        link = self.sign_in_link.reveal() if self.sign_in_link else command
        return _WELCOME.format(url=self.base_url, settings=self.settings_file, link=link)


async def first_start(registry: Registry, file: Path) -> Welcome:
    """Make what is missing, with a client's settings in `file`, and return what to print."""
    administrators = await _administrators(registry)
    await _fill_search(registry)
    administrator = await _write_settings(registry, administrators, file)
    link = await _sign_in_link(registry, administrator)
    return Welcome(registry.settings.base_url, file, administrator.name, link)


async def _administrators(registry: Registry) -> list[Account]:
    """Return who can administer the registry, the oldest account first; make one if nobody can."""
    running = await registry.account_administration.list_administrators(by=OPERATOR)
    able = [each for each in running if not each.is_locked]
    able.sort(key=lambda account: account.created_ms)
    return able or [await _new_administrator(registry)]


async def _new_administrator(registry: Registry) -> Account:
    """Create an administrator under the first name that nobody has or had."""
    name, number = ADMINISTRATOR, 1
    while True:
        try:
            return await registry.accounts.create_administrator(name, by=OPERATOR)
        except AccountExists:
            number += 1
            name = f"{ADMINISTRATOR}-{number}"


async def _sign_in_link(registry: Registry, administrator: Account) -> Secret | None:
    url = registry.settings.base_url
    if urlsplit(url).scheme == "https" or needs_https(url):
        return None
    if await registry.account_administration.is_administrator_signed_in(by=OPERATOR):
        return None
    return await registry.sign_in_flow.issue_link(administrator, by=OPERATOR)


async def _fill_search(registry: Registry) -> None:
    """Fill a search index that is empty: its file was lost, or its shape changed."""
    shown = await registry.search.search(Query(include_deprecated=True), ResultPage(), by=OPERATOR)
    if not shown.count:
        await registry.upkeep.run("refresh")


async def _write_settings(registry: Registry, administrators: list[Account], file: Path) -> Account:
    """Write Settings.toml anew, with the token that it holds if that one still is one of an
    administrator; return whose it is."""
    token = _token_in(file)
    owner = await _owner(registry, token) if token else ""
    administrator = next((each for each in administrators if each.id == owner), administrators[0])
    if token is None or owner != administrator.id:
        wanted = TokenRequest.parse(
            "Settings.toml", _EVERY_SCOPE, org="*", package="*", days=registry.settings.token_days
        )
        issued = await registry.tokens.issue(administrator.id, wanted, by=OPERATOR)
        token = issued.text
    text = client_settings(registry.settings.base_url, administrator.name, token.reveal())
    _replace(file, text)
    return administrator


async def _owner(registry: Registry, token: Secret) -> str:
    """Return the id of whose token this is; none of one that is refused."""
    headers = {"authorization": f"Bearer {token.reveal()}"}
    try:
        return (await registry.authentication.authenticate(headers)).id
    except Refusal:
        return ""


def _token_in(file: Path) -> Secret | None:
    try:
        central = tomllib.loads(file.read_text("utf-8")).get("central", {})
    except (OSError, ValueError):
        return None
    token = cast(Mapping[str, object], central).get("accesstoken")
    return Secret(token) if isinstance(token, str) else None


def _replace(file: Path, text: str) -> None:
    """Write the file at once and for its owner alone, so that nobody reads half of it."""
    unfinished = file.with_name(f"{file.name}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)
