"""The pages of clients are followed: their commands are run as they are, against a registry here.

Only the address of the registry and the folders are other ones. What takes a `bal` is told apart,
and is driven by the models and the real library of the other tests.
"""

import os
import re
import shutil
import tomllib
from pathlib import Path
from textwrap import dedent
from urllib.parse import urlsplit

import pytest

from shared.hosting.http_server.server import Certificate
from shared.localhost import build_host
from tests.clients.recorded_registry import Served
from tests.paths import docs
from tests.support.archives import bala
from tests.support.installed_command import clone_command
from tests.support.processes import run_commands
from tests.support.server import served_app
from tests.support.world import Template, settings_of

PAGE = docs("use/clients", "use/clients-behind-proxies")
BLOCKS = [
    dedent(block) for block in re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)
]
ADDRESS = "http://127.0.0.1:7071"  # Where the page has the registry.
ARCHIVE = "target/bala/acme-greet-any-1.0.0.bala"  # What `bal pack` makes in a package.

FOLLOWED = (
    "curl -f -o Settings.toml",
    "ballroom account add",
    "curl -u me:$TOKEN",
    "REGISTRY=http://127.0.0.1:7071",
    "openssl req",
    "keytool",
    "curl -fLO",
)
ELSEWHERE = {
    "curl -fsS http://127.0.0.1:7071/login.py": "takes a person at a browser; tests of the login",
    "bal pack": "takes a `bal`; test_aether.py drives its library",
    "mvn": "test_mvn.py, with the plugin that this machine has",
    "PORT=443": "takes the right to listen there; served by another port below",
    "export BALLERINA_DEV_CENTRAL": "takes a `bal`",
    "bal start-language-server": "takes a `bal`",
    'curl -fsS -H "Accept: text/markdown"': "tests of the pages of documentation ask for them",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here"),
]


def block(beginning: str) -> str:
    """Return the one block of the page that begins so."""
    (found,) = (each for each in BLOCKS if each.startswith(beginning))
    return found


def follow(commands: str, folder: Path, url: str = "", **environment: str) -> str:
    """Run commands but those of `bal`, against the registry at `url`; return what they print."""
    ours = "\n".join(line for line in commands.splitlines() if not line.startswith("bal "))
    settings = {**os.environ, "HOME": str(folder), "LC_ALL": "C", **environment}
    return run_commands(ours.replace(ADDRESS, url), folder, settings)


def test_every_command_of_the_page_is_followed_or_said_to_be_followed_elsewhere() -> None:
    known = (*FOLLOWED, *ELSEWHERE)
    assert [each for each in BLOCKS if not each.startswith(known)] == []
    assert [each for each in known if not any(have.startswith(each) for have in BLOCKS)] == []


def test_settings_are_fetched_without_a_token(registry: Served, tmp_path: Path) -> None:
    follow(block("curl -f -o Settings.toml"), tmp_path, registry.url)
    settings = tomllib.loads((tmp_path / "Settings.toml").read_text())
    assert {each["url"] for each in settings["repository"]["maven"]} == {registry.maven}


def test_the_operator_makes_an_account_and_tokens(template: Template, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(template.folder, data)
    command = clone_command(tmp_path / "bin")
    paths = {"BALLROOM_DATA": str(data), "PATH": f"{command.parent}:{os.environ['PATH']}"}
    assert "blr_" in follow(block(FOLLOWED[1]), tmp_path, **paths)
    (more,) = re.findall(r"`(--org acme [^`]+)`", PAGE)
    ours = f"ballroom token issue ann --name ci {more}"
    assert "blr_" in follow(ours, tmp_path, **paths)


def test_the_sentence_of_a_refusal_is_read_and_an_archive_is_sent_by_hand(
    registry: Served, tmp_path: Path
) -> None:
    archive = tmp_path / ARCHIVE
    archive.parent.mkdir(parents=True)
    archive.write_bytes(bala("acme/greet:1.0.0", platform="any"))
    token = registry.people.ann.token
    commands = block("curl -u me:$TOKEN")
    assert "acme/greet" in follow(commands, tmp_path, registry.url, TOKEN=token)
    assert "<version>1.0.0</version>" in follow(commands, tmp_path, registry.url, TOKEN=token)
    assert "token" in follow(commands, tmp_path, registry.url, TOKEN="nonsense")
    follow(block("curl -fLO"), tmp_path, registry.url)
    assert (tmp_path / "greet-1.0.0.bala").read_bytes() == archive.read_bytes()


def test_a_job_gets_its_token_into_the_file(registry: Served, tmp_path: Path) -> None:
    token = registry.people.ann.token
    follow(block("REGISTRY="), tmp_path, registry.url, BALLROOM_TOKEN=token)
    settings = tomllib.loads((tmp_path / ".ballerina" / "Settings.toml").read_text())
    assert {each["accesstoken"] for each in settings["repository"]["maven"]} == {token}


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_a_certificate_of_ones_own_makes_the_registry_central(
    template: Template, tmp_path: Path
) -> None:
    follow(block("openssl req"), tmp_path)
    shutil.copytree(template.folder, tmp_path / "data")
    (url,) = re.findall(r"BALLROOM_URL=(\S+)", block("PORT=443"))
    certificate = Certificate(tmp_path / "central.pem", tmp_path / "central.key")
    app = build_host(settings_of(tmp_path / "data", url=url))
    with served_app(app, certificate=certificate) as here:
        name = urlsplit(url).hostname
        # What a line of /etc/hosts does, for one command.
        there = f"--cacert ca.pem --resolve {name}:{here.port}:127.0.0.1"
        listed = f"curl -fsS {there} https://{name}:{here.port}/2.0/registry/packages"
        assert '"packages":' in follow(listed, tmp_path)


@pytest.mark.skipif(not shutil.which("keytool"), reason="keytool is not here")
@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_the_authority_is_put_into_a_trust_store(tmp_path: Path) -> None:
    follow(block("openssl req"), tmp_path)
    listed = "keytool -list -keystore ballroom.p12 -storepass changeit"
    assert "ballroom, " in follow(f"{block('keytool')}\n{listed}", tmp_path)
