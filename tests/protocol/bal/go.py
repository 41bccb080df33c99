"""The Go `bal`: its central client, which reads, pulls and resolves, and does not push yet."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.protocol.bal.archive_name import PREFIX, go_platform, parts_of, version_in_url
from tests.protocol.bal.cache import Cache, Pulled, check_length
from tests.protocol.bal.failures import ClientFailure, NoPackage, Swallowed, Unauthorized
from tests.protocol.bal.wire import Headers, Wire, is_json, json_of, message_of

GZIP = ("Accept-Encoding", "gzip")  # net/http adds it unless the client says identity.
IDENTITY = ("Accept-Encoding", "identity")
ACCEPT_ARCHIVE = ("Accept", "application/octet-stream")
ACCEPT_JSON = ("Accept", "application/json")
_STRICT_SEMVER = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


@dataclass
class GoBal:
    """One installation of the Go `bal`."""

    wire: Wire
    base: str
    token: str = ""
    version: str = "2201.12.0"
    platform: str = "go1.26"
    cache: Cache = field(default_factory=Cache)
    printed: list[str] = field(default_factory=list[str])

    async def metadata(self, coordinate: str) -> dict[str, Any]:
        """Return the Package that a version, `*` or a range stands for."""
        org, name, version = parts_of(coordinate)
        response = await self._get(f"/packages/{org}/{name}/{version}")
        message = message_of(response) if response.status_code != 200 else ""
        if response.status_code == 200 and is_json(response):
            return json_of(response)
        if response.status_code == 404 and "package not found for:" in message:
            raise NoPackage(message, message)
        self._raise_unauthorized(response, org)
        failed = f"could not connect to remote repository to find {coordinate}"
        _raise_shown(response, failed)
        raise ClientFailure(None, failed)

    async def versions(self, package: str) -> list[str]:
        """Return the versions of a package; none for a package that is not there."""
        org, name, _ = parts_of(package)
        response = await self._get(f"/packages/{org}/{name}")
        if response.status_code == 200 and is_json(response):
            return json_of(response)
        self._raise_unauthorized(response, org)
        message = message_of(response)
        if response.status_code == 404 and "package not found:" in message:
            return []
        failed = f"could not connect to remote repository to find versions for {package}"
        if response.status_code == 404:
            raise ClientFailure(message, f"{failed}. reason: {message}")
        _raise_shown(response, failed)
        raise ClientFailure(None, failed)

    async def pull(self, coordinate: str) -> Pulled:
        """Pull both hops; without a version, the newest."""
        org, name, version = parts_of(coordinate)
        url = f"{self.base}/packages/{org}/{name}/{version or '*'}"
        headers = (*self.headers(), IDENTITY, ACCEPT_ARCHIVE)
        first = await self.wire.send("GET", url, headers)
        if first.status_code != 302:
            self._raise_pull_error(first, org, f"failed to pull {coordinate}")
        location = first.headers.get("location", "")
        disposition = first.headers.get("content-disposition", "")
        if not location or not disposition:
            raise ClientFailure(
                None, f"failed to pull. BALA content download from '{location}' failed."
            )
        deprecation = self._deprecation(name, first)
        content = await self._second_hop(location, disposition)
        self._warn_of_digest(coordinate, first.headers.get("digest", ""), content)
        found = _strict_version(version_in_url(location))
        file_name = disposition.removeprefix(PREFIX)
        platform = go_platform(file_name, name, found)
        return self.cache.keep(Pulled(org, name, found, platform, file_name, content, deprecation))

    async def resolve_dependencies(self, packages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Choose versions; this request has no Content-Type."""
        return await self._resolve("resolve-dependencies", {"packages": list(packages)}, ())

    async def resolve_modules(self, modules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Find the packages that hold modules."""
        content_type = (("Content-Type", "application/json; charset=utf-8"),)
        return await self._resolve("resolve-modules", {"modules": list(modules)}, content_type)

    async def _resolve(self, call: str, body: Mapping[str, Any], extra: Headers) -> dict[str, Any]:
        headers = (*self.headers(), *extra, IDENTITY, ACCEPT_JSON)
        content = json.dumps(body, separators=(",", ":")).encode()
        response = await self.wire.send("POST", f"{self.base}/packages/{call}", headers, content)
        if response.status_code == 200 and is_json(response):
            return json_of(response)
        self._raise_unauthorized(response)
        raise Swallowed(message_of(response) or None, "error: while connecting to central")

    # --- requests and failures -----------------------------------------------------------------

    def headers(self) -> Headers:
        """Return the headers that every request carries."""
        headers = [("Ballerina-Platform", self.platform), ("User-Agent", self.version)]
        return [*headers, ("Authorization", f"Bearer {self.token}")] if self.token else headers

    async def _get(self, path: str) -> httpx.Response:
        return await self.wire.send("GET", self.base + path, (*self.headers(), GZIP))

    async def _second_hop(self, location: str, disposition: str) -> bytes:
        headers = (*self.headers(), IDENTITY, ("Content-Disposition", disposition))
        response = await self.wire.send("GET", location, headers)
        if response.status_code != 200:
            raise ClientFailure(
                message_of(response) or None,
                f"BALA content download from '{location}' failed. {message_of(response)}",
            )
        check_length(response)
        return response.content

    def _deprecation(self, name: str, first: httpx.Response) -> str | None:
        if first.headers.get("is-deprecated") != "true":
            return None
        message = first.headers.get("deprecate-message", "")
        self.printed.append(f"WARNING [{name}] is deprecated: {message}")
        return message

    def _warn_of_digest(self, package: str, digest: str, content: bytes) -> None:
        if digest and digest != f"sha-256={hashlib.sha256(content).hexdigest()}":
            self.printed.append(f"WARNING: the hash value of {package} could not be confirmed.")

    def _raise_pull_error(self, response: httpx.Response, org: str, failed: str) -> None:
        self._raise_unauthorized(response, org)
        if response.status_code == 404 and message_of(response):
            raise ClientFailure(message_of(response), f"error: {message_of(response)}")
        _raise_shown(response, failed)
        raise ClientFailure(None, failed)

    def _raise_unauthorized(self, response: httpx.Response, org: str = "") -> None:
        if response.status_code == 401:
            message = message_of(response)
            raise Unauthorized(message or None, f"unauthorized access token for '{org}'. {message}")


def _raise_shown(response: httpx.Response, failed: str) -> None:
    if response.status_code in (400, 500, 503) and message_of(response):
        raise ClientFailure(message_of(response), f"{failed}. reason: {message_of(response)}")


def _strict_version(text: str) -> str:
    if not _STRICT_SEMVER.fullmatch(text):
        raise ClientFailure(None, f"Invalid version: '{text}'.")
    return text
