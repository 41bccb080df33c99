"""`bal` with `[[repository.maven]]`: what it sends by way of Maven Resolver, and what it reads.

The real library is driven by tests/clients; this model is its sequence of requests, for rules that
are asked often. Three generations of `bal` differ in how they build.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from xml.etree import ElementTree as ET

import httpx

from tests.protocol.bal.archive_name import parts_of
from tests.protocol.bal.failures import ClientFailure

AETHER = (("User-Agent", "Aether"), ("Cache-Control", "no-cache, no-store"), ("Pragma", "no-cache"))
_NAMESPACE = "http://maven.apache.org/POM/4.0.0"


class Generation(Enum):
    """Which `bal` it is."""

    EXACT = "2201.8 to 2201.12: exact versions, and no metadata"
    STOPPING = "2201.13: metadata, and a 404 ends the look-up of every import"
    GOING_ON = "2201.14: metadata, and each look-up fails for itself"


@dataclass
class MavenBal:
    """One run of `bal`, which has the registry as a repository in its settings."""

    http: httpx.AsyncClient
    base: str
    user: str = ""
    token: str = ""
    distribution: str = "v2201-13-0"
    sbom_file: str = "bom.cdx.json"  # Since September 2026 `{name}-{version}.cdx.json`.
    requests: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])
    _is_challenged: bool = False

    async def send(self, method: str, path: str, content: bytes | None = None) -> httpx.Response:
        """Send a request: without credentials until a challenge came, then always with them."""
        response = await self._once(method, path, content)
        challenge = response.headers.get("www-authenticate", "")
        can_answer = self.user and self.token and challenge.startswith("Basic realm=")
        if response.status_code == 401 and can_answer and not self._is_challenged:
            self._is_challenged = True
            response = await self._once(method, path, content)
        return response

    async def push(self, coordinate: str, archive: bytes, *, sbom: bytes = b"") -> None:
        """`bal push --repository=ID`; every artifact is tried, and the first failure printed."""
        org, name, version = parts_of(coordinate)
        stem = f"{org}/{name}/{version}/{name}-{version}"
        await self.send("OPTIONS", f"{stem}.bala")
        statuses = [
            await self._put(f"{stem}.bala", archive),
            await self._put(f"{stem}.pom", pom(org, name, version)),
        ]
        self._raise_failed(coordinate, statuses)
        await self._put_metadata(org, name, version)
        if sbom:
            await self.send("OPTIONS", f"{org}/{name}/{version}/{self.sbom_file}")
            put = await self.send("PUT", f"{org}/{name}/{version}/{self.sbom_file}", sbom)
            self._raise_failed(coordinate, [put.status_code])

    async def pull(self, coordinate: str) -> bytes:
        """`bal pull --repository=ID`: one GET, and a redirect is followed without credentials."""
        org, name, version = parts_of(coordinate)
        response = await self.send("GET", f"{org}/{name}/{version}/{name}-{version}.bala")
        if response.status_code == 404:
            raise ClientFailure(None, f"Could not find artifact {org}:{name}:bala:{version}")
        if response.status_code == 200:
            return response.content
        if response.status_code != 302:
            self._raise_failed(coordinate, [response.status_code])
        second = await self.http.get(response.headers["location"])
        assert second.status_code == 200, second.text
        return second.content

    async def versions(self, package: str) -> list[str]:
        """Return the versions that a build sees; whatever goes wrong, there are none."""
        response = await self.send("GET", f"{package}/maven-metadata.xml")
        if response.status_code != 200:
            return []
        return texts(response.content, "versioning/versions/version")

    async def offered(self, package: str) -> list[str]:
        """Return the versions that the proxy of Central has for this distribution."""
        root = await self.metadata(package)
        return [number.text or "" for number in root.iter("number")]

    async def metadata(self, path: str) -> ET.Element:
        """Return a metadata document of the proxy, or raise as the client does."""
        response = await self.send("GET", f"{self.distribution}/{path}/maven-metadata.xml")
        if response.status_code != 200:
            raise ClientFailure(None, "Metadata file not found or could not be resolved")
        assert b"<!DOCTYPE" not in response.content
        return ET.fromstring(response.content)

    async def search(self, kind: str, text: str) -> ET.Element:
        """Search packages, tools, symbols or connectors."""
        words = b64encode(text.encode()).decode().rstrip("=")
        return await self.metadata(f"__{kind}__/{words}")

    async def graph(self, coordinate: str) -> dict[str, object]:
        """Return the resolved package with its graph, as the first element of the answer."""
        org, name, version = parts_of(coordinate)
        path = f"{org}/{name}/{version}/{name}-{version}-depgraph.json"
        response = await self.send("GET", path)
        if response.status_code != 200:
            raise ClientFailure(None, f"Could not find artifact {org}:{name}:json:depgraph")
        return json.loads(response.content)["resolved"][0]

    async def build(self, imports: Sequence[str], generation: Generation) -> dict[str, list[str]]:
        """Look up the packages that each import may mean; return the versions of what is found."""
        found: dict[str, list[str]] = {}
        for module in imports:
            try:
                found |= await self._import(module)
            except ClientFailure:
                if generation is Generation.STOPPING:
                    break
        return found

    async def _import(self, module: str) -> dict[str, list[str]]:
        org, _, name = module.partition("/")
        words = name.split(".")
        for count in range(1, len(words) + 1):
            package = f"{org}/{'.'.join(words[:count])}"
            if versions := await self.offered(package):
                return {package: versions}
        return {}

    async def _put(self, path: str, content: bytes) -> int:
        """Put an artifact and, when it was taken, its checksums; return the status that counts."""
        status = (await self.send("PUT", path, content)).status_code
        for suffix, digest in (("sha1", hashlib.sha1), ("md5", hashlib.md5)):
            if status < 300:
                checksum = digest(content, usedforsecurity=False).hexdigest().encode()
                status = (await self.send("PUT", f"{path}.{suffix}", checksum)).status_code
        return status

    async def _put_metadata(self, org: str, name: str, version: str) -> None:
        path = f"{org}/{name}/maven-metadata.xml"
        known = await self.send("GET", path)
        if known.status_code == 200:
            checksum = await self.send("GET", f"{path}.sha1")
            actual = hashlib.sha1(known.content, usedforsecurity=False).hexdigest()
            assert checksum.text == actual, "the client would warn of a checksum"
        merged = f"<metadata><versioning><versions><version>{version}</version></versions>"
        status = await self._put(path, f"{merged}</versioning></metadata>".encode())
        self._raise_failed(f"{org}/{name}", [status])

    def _raise_failed(self, coordinate: str, statuses: Sequence[int]) -> None:
        for status in statuses:
            if status >= 300:
                printed = f"Could not transfer artifact {coordinate}: status code: {status}"
                raise ClientFailure(None, f"Failed to deploy artifacts: {printed}")

    async def _once(self, method: str, path: str, content: bytes | None) -> httpx.Response:
        headers = list(AETHER)
        if self._is_challenged:
            pair = f"{self.user}:{self.token}".encode("iso-8859-1")
            headers.append(("Authorization", f"Basic {b64encode(pair).decode()}"))
        url = f"{self.base}/{path}"
        request = httpx.Request(method, url, headers=headers, content=content)
        response = await self.http.send(request, follow_redirects=False)
        assert "dav" not in response.headers, "the client would speak WebDAV from now on"
        self.requests.append((method, path, response.status_code))
        return response


def pom(org: str, name: str, version: str) -> bytes:
    """Return the POM as `bal` writes it."""
    return (
        f'<project xmlns="{_NAMESPACE}"><modelVersion>4.0.0</modelVersion><groupId>{org}</groupId>'
        f"<artifactId>{name}</artifactId><version>{version}</version><packaging>bala</packaging>"
        "</project>"
    ).encode()


def texts(document: bytes, path: str) -> list[str]:
    """Return the texts of the elements on a path of a document."""
    return [each.text or "" for each in ET.fromstring(document).findall(path)]
