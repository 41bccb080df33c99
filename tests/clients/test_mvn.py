"""Debian's `mvn`, with the deploy plugin that Debian packages: a client with another transport."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.clients.aether import SHORT_LIVED
from tests.clients.recorded_registry import Served
from tests.support.archives import bala
from tests.support.debian import require_packages
from tests.support.world import Person

_PLUGINS = Path("/usr/share/maven-repo")
_DEPLOY = _PLUGINS / "org/apache/maven/plugins/maven-deploy-plugin"
_SECONDS = 300
# What is not in Debian's repository is nowhere: no test asks the world for it.
_SETTINGS = """\
<settings>
  <mirrors><mirror>
    <id>nowhere</id><mirrorOf>central</mirrorOf><url>http://127.0.0.1:1/</url>
  </mirror></mirrors>
  <servers><server>
    <id>ballroom</id><username>{person.account.name}</username><password>{person.token}</password>
  </server></servers>
</settings>
"""


@pytest.fixture(scope="module")
def plugin() -> str:
    """Return the plugin that deploys, with its version, or skip where there is none."""
    require_packages(("maven", "libmaven-deploy-plugin-java"))
    versions = [each.name for each in _DEPLOY.glob("*") if re.match(r"\d", each.name)]
    if not versions:
        pytest.skip(f"there is no maven-deploy-plugin in {_PLUGINS}")
    return f"org.apache.maven.plugins:maven-deploy-plugin:{max(versions)}:deploy-file"


def deploy(registry: Served, folder: Path, plugin: str, person: Person) -> str:
    """Deploy a bala as a person does, and return what is printed when it fails."""
    archive = folder / "greet.bala"
    settings = folder / "settings.xml"
    local = folder / "local"
    archive.write_bytes(bala())
    settings.write_text(_SETTINGS.format(person=person))
    if not local.exists():
        # Maven writes beside what it reads, so the system's folder is linked, file by file.
        shutil.copytree(_PLUGINS, local, copy_function=_link)
    options = {
        "maven.repo.local": local,
        "file": archive,
        "groupId": "acme",
        "artifactId": "greet",
        "version": "1.0.0",
        "packaging": "bala",
        "repositoryId": "ballroom",
        "url": registry.maven,
    }
    command = [shutil.which("mvn") or "mvn", "--batch-mode", "--settings", str(settings), plugin]
    command += [f"-D{name}={value}" for name, value in options.items()]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "MAVEN_OPTS": " ".join(SHORT_LIVED)},
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    return "" if done.returncode == 0 else done.stdout


def _link(source: str, target: str) -> None:
    Path(target).symlink_to(source)


def test_mvn_deploys_a_bala_and_what_it_deployed_is_pulled(
    registry: Served, tmp_path: Path, plugin: str
) -> None:
    assert deploy(registry, tmp_path, plugin, registry.people.ann) == ""
    url = f"{registry.maven}/acme/greet/1.0.0/greet-1.0.0.bala"
    assert httpx.get(url, follow_redirects=True).content == bala()


def test_mvn_prints_that_the_account_may_not_deploy(
    registry: Served, tmp_path: Path, plugin: str
) -> None:
    assert "403" in deploy(registry, tmp_path, plugin, registry.people.mia)
