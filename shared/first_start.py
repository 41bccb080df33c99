"""The first start: administrator, Settings.toml and what every start prints.

The parent process alone does this, under a file lock and before the port answers. All of it may be
repeated: a crash halfway leaves nothing that the next start does not finish.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from shared.auth.secret import Secret
from shared.domain.accounts import Account
from shared.domain.client_settings import client_settings
from shared.domain.errors import AccountNotFound, Refusal
from shared.domain.identity import OPERATOR
from shared.domain.query import Page, Query
from shared.domain.rights import Scope
from shared.registry import Registry
from shared.services.token_requests import TokenRequest

ADMINISTRATOR = "admin"

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
    """What a person needs to use the registry that is about to answer."""

    base_url: str
    settings_file: Path
    sign_in_link: Secret

    def __str__(self) -> str:
        """Return the lines that a start prints."""
        return _WELCOME.format(
            url=self.base_url, settings=self.settings_file, link=self.sign_in_link.reveal()
        )


async def first_start(registry: Registry, file: Path) -> Welcome:
    """Make what is missing, with a client's settings in `file`, and return what to print."""
    administrator = await _administrator(registry)
    await _fill_search(registry)
    await _write_settings(registry, administrator, file)
    link = await registry.sign_in_links.create(administrator.id)
    return Welcome(registry.settings.base_url, file, link)


async def _administrator(registry: Registry) -> Account:
    try:
        return await registry.accounts.named(ADMINISTRATOR)
    except AccountNotFound:
        return await registry.accounts.create_administrator(ADMINISTRATOR, by=OPERATOR)


async def _fill_search(registry: Registry) -> None:
    """Fill a search index that is empty: its file was lost, or its shape changed."""
    shown = await registry.searching.search(Query(include_deprecated=True), Page(), by=OPERATOR)
    if not shown.count:
        await registry.upkeep.run("refresh")


async def _write_settings(registry: Registry, administrator: Account, file: Path) -> None:
    """Write Settings.toml anew, with the token that it holds if that one still works."""
    token = _token_in(file)
    if token is None or not await _works(registry, token):
        wanted = TokenRequest.parse(
            "Settings.toml", _EVERY_SCOPE, org="*", package="*", days=registry.settings.token_days
        )
        issued = await registry.tokens.issue(administrator.id, wanted, by=OPERATOR)
        token = issued.text
    text = client_settings(registry.settings.base_url, administrator.name, token.reveal())
    _replace(file, text)


async def _works(registry: Registry, token: Secret) -> bool:
    try:
        await registry.authentication.authenticate({"authorization": f"Bearer {token.reveal()}"})
    except Refusal:
        return False
    return True


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
