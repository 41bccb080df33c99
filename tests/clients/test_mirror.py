"""Real clients behind a registry that mirrors another one: a second Ballroom, and a small Central.

The upstream is switched off in the end, and what was read once is read again.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shared.bootstrap.build import build_registry
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from tests.clients.aether import SHORT_LIVED, Aether, AetherFailure, Repository
from tests.clients.recorded_registry import Served, served
from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.maven import Generation, MavenBal
from tests.protocol.bal.wire import Wire
from tests.support.archives import bala
from tests.support.debian import require_packages
from tests.support.upstreams import FakeUpstream
from tests.support.world import Template, settings_of

ARCHIVES = {
    "tools/hammer:1.0.0": bala("tools/hammer:1.0.0"),
    "tools/hammer:1.1.0": bala("tools/hammer:1.1.0"),
    "tools/hammer:2.0.0": bala("tools/hammer:2.0.0"),
    "tools/nail:1.0.0": bala("tools/nail:1.0.0", dependencies=["tools/hammer:1.0.0"]),
}
GRAPHS = {"tools/nail:1.0.0": ["tools/hammer:1.0.0"]}


@dataclass(frozen=True)
class Mirror:
    """A registry that mirrors another one, and what stops the other one."""

    served: Served
    upstream: ExitStack

    def repository(self, aether: Aether) -> Repository:
        """Return its Maven repository, without credentials."""
        return Repository(aether, self.served.maven)


@contextmanager
def second_ballroom(template: Template, folder: Path) -> Generator[str]:
    """Serve another Ballroom that has the packages; yield its address."""
    with served(template, folder) as upstream:
        found_organization(folder, "tools")
        for coordinate, archive in ARCHIVES.items():
            push(upstream, coordinate, archive)
        yield upstream.url


@contextmanager
def small_central(_template: Template, _folder: Path) -> Generator[str]:
    """Serve what has no index: each version is described by a request of its own."""
    upstream = FakeUpstream(archives=dict(ARCHIVES), graphs=GRAPHS)
    with upstream.serving():
        yield upstream.url


def found_organization(folder: Path, name: str) -> None:
    """Create an organization of the administrator in a data folder that is served."""

    async def found() -> None:
        registry = build_registry(settings_of(folder))
        admin = await registry.identity.accounts.by_name_or_id("admin")
        await registry.organizations.organizations.create(parse_org(name), admin, by=OPERATOR)
        await registry.close()

    with ThreadPoolExecutor(1) as thread:  # The caller's own may run a loop already.
        thread.submit(asyncio.run, found()).result()


def push(upstream: Served, coordinate: str, archive: bytes) -> None:
    """Publish as the administrator."""
    org, name, version = coordinate.replace(":", "/").split("/")
    person = upstream.people.admin
    answer = httpx.put(
        f"{upstream.maven}/{org}/{name}/{version}/{name}-{version}.bala",
        content=archive,
        auth=(person.account.name, person.token),
    )
    assert answer.status_code == 201, answer.text


@pytest.fixture(params=[second_ballroom, small_central])
def mirror(request: pytest.FixtureRequest, template: Template, scratch: Path) -> Iterator[Mirror]:
    """Return a registry that mirrors each of both in turn."""
    with ExitStack() as upstream:
        address = upstream.enter_context(request.param(template, scratch / "upstream"))
        with served(template, scratch / "data", upstream=address) as serving:
            yield Mirror(serving, upstream)


def test_maven_resolver_reads_ranges_archives_and_graphs(mirror: Mirror, aether: Aether) -> None:
    repository = mirror.repository(aether)
    for is_off in (False, True):
        if is_off:
            mirror.upstream.close()
        assert repository.do("versions", "tools", "hammer") == "[1.0.0, 1.1.0, 2.0.0]"
        pulled = repository.do("pull", "tools", "hammer", "1.1.0")
        assert Path(pulled).read_bytes() == ARCHIVES["tools/hammer:1.1.0"]
        graph = json.loads(Path(repository.do("graph", "tools", "nail", "1.0.0")).read_text())
        nodes = graph["resolved"][0]["dependencyGraph"]
        [root] = [each for each in nodes if each["name"] == "nail"]
        assert root["dependencies"] == [{"org": "tools", "name": "hammer", "version": "1.0.0"}]
        metadata = repository.do("metadata", "v2201-13-0.tools", "hammer")
        assert Path(metadata).read_text().count("<number>") == 3
    with pytest.raises(AetherFailure):  # Nobody read it while the upstream was there.
        repository.do("pull", "tools", "hammer", "2.0.0")


def test_mvn_reads_a_file_of_a_mirrored_release(mirror: Mirror, tmp_path: Path) -> None:
    require_packages(("maven",))
    project = tmp_path / "pom.xml"
    project.write_text(_PROJECT.format(url=mirror.served.maven))
    local = tmp_path / "local"
    done = subprocess.run(
        [shutil.which("mvn") or "mvn", "--batch-mode", f"-Dmaven.repo.local={local}", "validate"],
        cwd=tmp_path,
        env={**os.environ, "MAVEN_OPTS": " ".join(SHORT_LIVED)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    pom = local / "tools" / "hammer" / "1.1.0" / "hammer-1.1.0.pom"
    assert "<artifactId>hammer</artifactId>" in pom.read_text()


_PROJECT = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>company</groupId><artifactId>build</artifactId><version>1</version>
  <packaging>pom</packaging>
  <repositories>
    <repository><id>ballroom</id><url>{url}</url></repository>
  </repositories>
  <dependencyManagement><dependencies><dependency>
    <groupId>tools</groupId><artifactId>hammer</artifactId><version>1.1.0</version>
    <type>pom</type><scope>import</scope>
  </dependency></dependencies></dependencyManagement>
</project>
"""


async def test_bal_builds_with_ranges_as_long_as_the_lists_are_kept(mirror: Mirror) -> None:
    url = mirror.served.url
    async with httpx.AsyncClient() as http:
        for is_off in (False, True):
            if is_off:
                await asyncio.to_thread(mirror.upstream.close)
            bal = MavenBal(http, mirror.served.maven)
            for generation in Generation:
                found = await bal.build(["tools/hammer.claw", "tools/nail"], generation)
                assert found == {
                    "tools/hammer": ["2.0.0", "1.1.0", "1.0.0"],
                    "tools/nail": ["1.0.0"],
                }
            assert await bal.pull("tools/hammer:2.0.0") == ARCHIVES["tools/hammer:2.0.0"]
            for client in (JavaBal, GoBal):
                bal_of_central = client(Wire(http), f"{url}/2.0/registry")
                pulled = await bal_of_central.pull("tools/hammer:*")
                assert pulled.version == "2.0.0"
            java = JavaBal(Wire(http), f"{url}/2.0/registry")
            wanted = [{"org": "tools", "name": "hammer", "version": "", "mode": "soft"}]
            answer = await java.resolve_dependencies(wanted)
            assert [each["version"] for each in answer["resolved"]] == ["2.0.0"]
            lines = (await http.get(f"{url}/index/tools/hammer/index.json")).text.splitlines()
            assert [json.loads(line)["version"] for line in lines] == ["1.0.0", "1.1.0", "2.0.0"]
