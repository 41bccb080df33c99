"""The first start: creates the administrator, Settings.toml and the archive of a sample package.
Every start returns the start message.

Only the parent process does this, under a file lock and before the port is open. It may be
repeated: the next start completes an interrupted one.
"""

import io
import re
import shlex
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from shared.auth.secrets import Secret
from shared.commands.operator_command import operator_command
from shared.domain.accounts import Account
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import AccountExists
from shared.domain.principals import OPERATOR
from shared.domain.scopes import ADMINISTRATORS_SCOPES, Scope
from shared.domain.sign_in import needs_https
from shared.registry import Registry
from shared.runtime.private_files import replace_private
from shared.services.tokens.tokens import TokenRequest

ADMINISTRATOR = "admin"  # With a number if an account has or had that name.

_INDENT = " " * 13  # The indentation of lines that belong to a label.
_EVERY_SCOPE = [scope.value for scope in Scope if scope not in ADMINISTRATORS_SCOPES]

_WELCOME = """\
Ballroom serves {url}

  Sign in    {sign_in}
  Settings   {settings}

{trial}

{ending}
"""

_TRIAL = """\
Push the sample package; this prints nothing if it succeeds:

  {push}

Look at it: {url}/packages/acme/greet
Pull it into the current folder:

  {pull}"""

_READ_ONLY = """\
It is in read-only mode: {reason}. Packages are found and pulled, and every change is refused, until

  {command}"""

_ENDING = "Press Ctrl-C to stop the registry."
_ENDING_OF_CONTAINER = """\
Clients use the address above. For another port or name, publish the port and set the address:
-p 8080:{port} -e BALLROOM_URL=http://localhost:8080"""

# `curl -f` would hide the sentence of a refusal.
_PUSH = """\
{sample}curl -sS --fail-with-body \\
    -H "Authorization: Bearer $({inside}sed -n 's/^accesstoken = "\\(.*\\)"/\\1/p' {settings})" \\
    -F {form} {url}/2.0/registry/packages"""

_PULL = """\
curl -sS --fail-with-body -LOJ -H "Accept: application/octet-stream" \\
    '{url}/2.0/registry/packages/acme/greet/*'"""

_READ_ONLY_WELCOME = """Ballroom serves {url} read-only: the disk of {data} is full.

Packages are read and pulled, and every change is refused. Make room on the disk, or stop the
registry and move the folder to a larger one. Changes are accepted as soon as there is room, without
a restart; what a start prepares besides, such as a sign-in link, is prepared by the next start.
"""


class ReadOnlyWelcome(Struct, frozen=True):
    """The start message of a registry on a full disk."""

    base_url: str
    data: Path

    def __str__(self) -> str:
        return _READ_ONLY_WELCOME.format(url=self.base_url, data=self.data)


class Welcome(Struct, frozen=True):
    """The start message of a registry, whose commands run as they are in sh, bash and zsh.

    It has a sign-in link only if the registry serves this machine and no administrator is signed
    in, because the message also gets into logs of services and containers. `exec_prefix` reaches
    the machine that has the files, if that is another. `read_only` is empty if changes are taken.
    """

    base_url: str
    port: int
    settings_file: Path
    sample_file: Path
    sign_in_command: str
    sign_in_link: Secret | None
    exec_prefix: str = ""
    read_only: str = ""

    def __str__(self) -> str:
        link = self.sign_in_link
        return _WELCOME.format(
            url=self.base_url,
            settings=self._where_settings_are(),
            sign_in=f"{link.reveal()} (works once, within an hour)"
            if link
            else f"run: {self.sign_in_command}",
            trial=self.read_only or self._trial(),
            ending=_ENDING_OF_CONTAINER.format(port=self.port) if self.exec_prefix else _ENDING,
        )

    def _where_settings_are(self) -> str:
        if self.exec_prefix:
            command = f"{self.exec_prefix} cat {shlex.quote(str(self.settings_file))}"
            return f"run: {command}\n{_INDENT}for bal: save it as ~/.ballerina/Settings.toml"
        return f"{self.settings_file}\n{_INDENT}for bal: copy it to ~/.ballerina/Settings.toml"

    def _trial(self) -> str:
        pull = _PULL.format(url=self.base_url)
        return _TRIAL.format(push=self._push(), pull=pull, url=self.base_url)

    def _push(self) -> str:
        inside = f"{self.exec_prefix} " if self.exec_prefix else ""
        sample = f"{inside}cat {shlex.quote(str(self.sample_file))} | " if inside else ""
        file = f"-;filename={SAMPLE_NAME}" if inside else _quoted_for_curl(self.sample_file)
        return _PUSH.format(
            inside=inside,
            sample=sample,
            settings=shlex.quote(str(self.settings_file)),
            form=shlex.quote(f"bala-file=@{file}"),
            url=self.base_url,
        )


def _quoted_for_curl(file: Path) -> str:
    """Return a path for a form of curl, which takes commas and semicolons for its own."""
    text = str(file)
    if not any(sign in text for sign in ',;"'):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def first_start(registry: Registry, file: Path) -> Welcome:
    """Create what is missing, write a client's settings to `file` and the sample package beside it,
    and return the start message."""
    administrators = await _administrators(registry)
    # Not by a maintenance task: a registry in read-only mode refuses it, and its time is limited.
    catalogue = registry.mirroring.catalogue.listings() if registry.mirroring else None
    await registry.packages.derived_data.fill_search(catalogue)
    administrator = await _write_settings(registry, administrators, file)
    sample = file.with_name(SAMPLE_NAME)
    if not sample.exists():
        replace_private(sample, sample_archive())
    return Welcome(
        registry.settings.base_url,
        registry.settings.port,
        file,
        sample,
        operator_command(registry.settings, "signin-link", administrator.name),
        await _sign_in_link(registry, administrator),
        registry.settings.exec_prefix,
        await _read_only(registry),
    )


async def _read_only(registry: Registry) -> str:
    state = (await registry.limits.notices.current(by=OPERATOR)).read_only
    command = operator_command(registry.settings, "read-only", "off")
    return _READ_ONLY.format(reason=state.reason, command=command) if state else ""


async def _administrators(registry: Registry) -> list[Account]:
    """Return the administrators who are not locked, oldest account first; create one if needed."""
    running = await registry.administration.accounts.list_administrators(by=OPERATOR)
    able = [each for each in running if not each.is_locked]
    able.sort(key=lambda account: account.created_ms)
    return able or [await _new_administrator(registry)]


async def _new_administrator(registry: Registry) -> Account:
    """Create an administrator with the first name that no account has or had."""
    name = ADMINISTRATOR
    number = 1
    while True:
        try:
            return await registry.identity.accounts.create_administrator(name, by=OPERATOR)
        except AccountExists:
            number += 1
            name = f"{ADMINISTRATOR}-{number}"


async def _sign_in_link(registry: Registry, administrator: Account) -> Secret | None:
    url = registry.settings.base_url
    if urlsplit(url).scheme == "https" or needs_https(url):
        return None
    if await registry.administration.accounts.is_administrator_signed_in(by=OPERATOR):
        return None
    return await registry.identity.sign_in_flow.issue_link(administrator, by=OPERATOR)


async def _write_settings(registry: Registry, administrators: list[Account], file: Path) -> Account:
    """Write Settings.toml, with its token if that still belongs to an administrator, otherwise with
    a new one; return the owner of the token."""
    token = _token_in(file)
    owner = await _owner(registry, token) if token else ""
    administrator = next((each for each in administrators if each.id == owner), administrators[0])
    if token is None or owner != administrator.id:
        wanted = TokenRequest.parse(
            "Settings.toml", _EVERY_SCOPE, org="*", package="*", days=registry.settings.token_days
        )
        issued = await registry.tokens.access_tokens.issue(administrator.id, wanted, by=OPERATOR)
        token = issued.text
    text = registry.client_settings(administrator.name, token.reveal())
    replace_private(file, text.encode())
    return administrator


async def _owner(registry: Registry, token: Secret) -> str:
    """Return the id of the account of the token; empty if the token is refused."""
    headers = {"authorization": f"Bearer {token.reveal()}"}
    try:
        return (await registry.identity.authentication.authenticate(headers)).id
    except Refusal:
        return ""


def _token_in(file: Path) -> Secret | None:
    # Earlier versions wrote it as that of Central, too, at the beginning of a line.
    try:
        found = re.search(r'^accesstoken = "(\w+)"$', file.read_text("utf-8"), re.MULTILINE)
    except (OSError, ValueError):
        return None
    return Secret(found[1]) if found else None


SAMPLE_NAME = "greet.bala"
SOURCES = Path(__file__).parent / "sample_package"
_DATE = (1980, 1, 1, 0, 0, 0)  # The earliest that a zip can say.


def sample_archive() -> bytes:
    """Return the archive of the sample package: the same bytes on every machine."""
    buffer = io.BytesIO()
    # Stored, because versions of zlib compress differently.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, file in sorted(_files().items()):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = 0  # The same on every system.
            archive.writestr(info, file.read_bytes())
    return buffer.getvalue()


def _files() -> dict[str, Path]:
    found = (each for each in SOURCES.rglob("*") if each.is_file())
    return {each.relative_to(SOURCES).as_posix(): each for each in found}
