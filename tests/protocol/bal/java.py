"""The Java `bal`: its central client over okhttp, and the commands that call it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from tests.protocol.bal.archive_name import PREFIX, java_platform, parts_of, version_in_url
from tests.protocol.bal.cache import AlreadyInCache, Cache, Pulled, check_length
from tests.protocol.bal.failures import ClientFailure, Crashed, NoPackage, Swallowed, Unauthorized
from tests.protocol.bal.okhttp import BOUNDARY, gson, java_digest, multipart, okhttp_query
from tests.protocol.bal.wire import Headers, Wire, is_json, json_of, message_of

ANY = "any"
JSON_BODY = ("Content-Type", "application/json; charset=utf-8")
ACCEPT_JSON = (("Accept-Encoding", "identity"), ("Accept", "application/json"))
ACCEPT_ARCHIVE = (("Accept-Encoding", "identity"), ("Accept", "application/octet-stream"))
OLD_PLATFORMS = ("java25", "java25", "java17", "java11")  # A pull asks once for each of them.
_SEMVER = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


@dataclass
class JavaBal:
    """One installation of the Java `bal`."""

    wire: Wire
    base: str
    token: str = ""
    version: str = "2201.12.0"
    platform: str = "java21"
    telemetry: str = ""  # "true" or "false": what the newest clients say on every request.
    cache: Cache = field(default_factory=Cache)
    printed: list[str] = field(default_factory=list[str])

    # --- bal push ------------------------------------------------------------------------------

    async def push(self, coordinate: str, archive: bytes, file_name: str = "") -> None:
        """`bal push`: look whether the version is there, then send the archive."""
        try:
            await self.metadata(coordinate, platform=ANY)
        except NoPackage:
            await self.send_archive(coordinate, archive, file_name)
            return
        raise ClientFailure(None, f"package '{coordinate}' already exists in the remote repository")

    async def send_archive(self, coordinate: str, archive: bytes, file_name: str = "") -> None:
        """Send the archive as multipart/form-data; only a 204 is a success."""
        org, name, version = parts_of(coordinate)
        file_name = file_name or f"{org}-{name}-any-{version}.bala"
        headers = (
            *self.headers(ANY),
            ("digest", f"sha-256={java_digest(archive)}"),
            ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}"),
            ("Accept-Encoding", "gzip"),
        )
        body = multipart(file_name, archive)
        response = await self.wire.send("POST", f"{self.base}/packages", headers, body)
        if response.status_code == 204:
            self.printed.append(f"{coordinate} pushed to central successfully")
            return
        self._raise_unauthorized(response, org)
        failed = f"error: failed to push the package: '{coordinate}'"
        if response.status_code == 400 and message_of(response):
            raise ClientFailure(message_of(response), message_of(response))
        _raise_server_error(response, f"{failed} reason:")
        raise ClientFailure(None, f"{failed} to the remote repository '{self.base}/packages'.")

    # --- reading -------------------------------------------------------------------------------

    async def metadata(self, coordinate: str, *, platform: str = "") -> dict[str, Any]:
        """Return the Package that a version, `*` or a range stands for."""
        org, name, version = parts_of(coordinate)
        response = await self._get(f"/packages/{org}/{name}/{version}", platform=platform)
        if response.status_code == 200 and is_json(response):
            return json_of(response)
        message = message_of(response)
        failed = "error: could not connect to remote repository to find package: " + coordinate
        if response.status_code == 404 and "package not found for:" in message:
            raise NoPackage(message, message)
        if response.status_code == 404 and is_json(response):
            raise ClientFailure(message, f"{failed}. reason: {message}")
        self._raise_unauthorized(response, org)
        if response.status_code in (400, 500, 503) and message:
            raise ClientFailure(message, message)
        raise ClientFailure(None, failed)

    async def versions(self, package: str) -> list[str]:
        """Return the versions of a package; none for a package that is not there."""
        org, name = package.split("/")
        response = await self._get(f"/packages/{org}/{name}")
        if response.status_code == 200 and is_json(response):
            return json_of(response)
        self._raise_unauthorized(response, org)
        message = message_of(response)
        if response.status_code == 404 and "package not found" in message:
            return []
        failed = "error: could not connect to remote repository to find versions for: " + package
        if response.status_code in (400, 404, 500, 503) and is_json(response):
            raise ClientFailure(message, f"{failed}. reason: {message}")
        raise ClientFailure(None, f"{failed}.")

    # --- bal pull ------------------------------------------------------------------------------

    async def pull(self, coordinate: str, *, platform: str = "") -> Pulled:
        """Pull for one platform, both hops; without a version, the newest."""
        first = await self._first_hop(coordinate, platform)
        location = first.headers.get("location")
        disposition = first.headers.get("content-disposition")
        if location is None or disposition is None:
            raise ClientFailure(None, "bala file location is missing")
        second = await self._second_hop(location, disposition, platform)
        self._warn_of_digest(coordinate, first.headers.get("digest"), second.content)
        pulled = unpacked(coordinate, location, disposition, second.content)
        return self.cache.keep(replace(pulled, deprecation=_deprecation(first)))

    async def pull_for_every_platform(self, coordinate: str) -> Pulled:
        """`bal pull` of older clients: once a platform, whatever is in the cache by then."""
        pulled: list[Pulled] = []
        for platform in OLD_PLATFORMS:
            try:
                pulled.append(await self.pull(coordinate, platform=platform))
            except AlreadyInCache:
                continue
        return pulled[0]

    async def _first_hop(self, coordinate: str, platform: str) -> httpx.Response:
        org, name, version = parts_of(coordinate)
        url = f"{self.base}/packages/{org}/{name}/{version or '*'}"
        response = await self.wire.send("GET", url, (*self.headers(platform), *ACCEPT_ARCHIVE))
        if response.status_code == 302:
            return response
        self._raise_unauthorized(response, org)
        message = message_of(response)
        failed = f"error: failed to pull the package: '{coordinate}'"
        if response.status_code in (400, 404) and message:
            raise ClientFailure(message, f"error: {message}")
        _raise_server_error(response, f"{failed} from the remote repository '{url}'. reason: ")
        raise ClientFailure(None, f"{failed} from the remote repository '{url}'.")

    async def _second_hop(
        self, location: str, disposition: str, platform: str = ""
    ) -> httpx.Response:
        headers = (
            *self.headers(platform),
            ("Accept-Encoding", "identity"),
            ("Content-Disposition", disposition),
        )
        response = await self.wire.send("GET", location, headers)
        if response.status_code != 200:
            failed = f"error: failed to pull. BALA content download from '{location}' failed."
            self._raise_response_error(response, failed)
        check_length(response)
        return response

    def _warn_of_digest(self, coordinate: str, digest: str | None, content: bytes) -> None:
        if digest != f"sha-256={java_digest(content)}":
            self.printed.append(f"WARNING: the hash value of {coordinate} could not be confirmed.")

    # --- builds --------------------------------------------------------------------------------

    async def resolve_dependencies(self, packages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Choose versions, as every build does."""
        return await self._resolve("/packages/resolve-dependencies", {"packages": list(packages)})

    async def resolve_modules(self, modules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Find the packages that hold modules, as every build does."""
        return await self._resolve("/packages/resolve-modules", {"modules": list(modules)})

    async def resolve_tools(self, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Choose versions of tools, as `bal tool update` does."""
        return await self._resolve("/tools/resolve-dependencies", {"tools": list(tools)})

    async def _resolve(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = (*self.headers(), JSON_BODY, *ACCEPT_JSON)
        content = gson(body)
        response = await self.wire.send("POST", self.base + path, headers, content)
        if response.status_code == 200 and is_json(response):
            return json_of(response)
        self._raise_unauthorized(response)
        raise Swallowed(message_of(response) or None, "error: while connecting to central")

    # --- bal search, bal tool ------------------------------------------------------------------

    async def search(self, query: str) -> dict[str, Any]:
        """`bal search`: the query goes into the URL as it was typed."""
        return await self._search("/packages/?q=", query)

    async def search_tools(self, keyword: str) -> dict[str, Any]:
        """`bal tool search`."""
        return await self._search("/tools/?q=", keyword)

    async def _search(self, path: str, query: str) -> dict[str, Any]:
        response = await self._get(path + okhttp_query(query))
        if response.status_code == 200 and is_json(response):
            return json_of(response)
        self._raise_unauthorized(response)
        if response.status_code == 400 and message_of(response):
            raise ClientFailure(message_of(response), message_of(response))
        failed = f"error: failed to search packages: '{query}'"
        _raise_server_error(response, f"{failed} reason:")
        raise ClientFailure(None, f"{failed}.")

    async def pull_tool(self, tool: str, version: str = "") -> Pulled:
        """`bal tool pull`: the answer names a URL, and the client builds the file name itself."""
        path = f"/tools/{tool}/{version}" if version else f"/tools/{tool}"
        response = await self._get(path, extra=(("Content-Type", "application/json"),))
        if response.status_code != 200:
            self._raise_unauthorized(response)
            if response.status_code in (400, 404) and message_of(response):
                raise ClientFailure(message_of(response), f"error: {message_of(response)}")
            raise ClientFailure(None, f"error: failed to pull the package: '{tool}'")
        found = json_of(response)
        fields = [found.get(key) for key in ("organization", "name", "platform", "version")]
        if None in fields or found.get("balaURL") is None:
            raise Crashed(None, "java.lang.NullPointerException")
        org, name = fields[:2]
        disposition = f"{PREFIX}{'-'.join(fields)}.bala"
        second = await self._second_hop(found["balaURL"], disposition)
        pulled = unpacked(f"{org}/{name}", found["balaURL"], disposition, second.content)
        return self.cache.keep(pulled)

    # --- bal deprecate -------------------------------------------------------------------------

    async def deprecate(self, coordinate: str, message: str) -> None:
        """`bal deprecate`: the message goes into the JSON as it was typed."""
        existing = await self.metadata(coordinate)
        body = f'{{"message": "{message}"}}'.encode()
        await self._change("deprecate", coordinate, body, existing)

    async def undeprecate(self, coordinate: str) -> None:
        """`bal deprecate --undo`."""
        existing = await self.metadata(coordinate)
        if not existing["isDeprecated"]:
            self.printed.append(f"package {coordinate} is not marked as deprecated in central")
            return
        await self._change("undeprecate", coordinate, b"{}", existing)

    async def _change(
        self, verb: str, coordinate: str, body: bytes, existing: Mapping[str, Any]
    ) -> None:
        url = f"{self.base}/packages/{verb}/{coordinate.replace(':', '/')}"
        headers = (*self.headers(), JSON_BODY, *ACCEPT_JSON)
        response = await self.wire.send("PUT", url, headers, body)
        package = coordinate.removesuffix(":*")
        if response.status_code == 200 and is_json(response):
            self.printed.append(_outcome(package, existing, json_of(response)))
            return
        self._raise_unauthorized(response)
        if response.status_code in (400, 404) and message_of(response):
            raise ClientFailure(message_of(response), message_of(response))
        _raise_server_error(
            response, f"error: failed to deprecate the package: '{package}' reason:"
        )
        # Any other status prints nothing, and looks like success.

    # --- IDE -----------------------------------------------------------------------------------

    async def connectors(self, query: str = "") -> dict[str, Any]:
        """Return the connectors; the IDE dies of an answer that is no success."""
        return await self._of_ide(f"/connectors{query}")

    async def triggers(self, query: str = "") -> dict[str, Any]:
        """Return the triggers; the same."""
        return await self._of_ide(f"/triggers{query}")

    async def _of_ide(self, path: str) -> dict[str, Any]:
        response = await self._get(path)
        if response.status_code == 200 and is_json(response):
            return json_of(response)
        raise Crashed(message_of(response) or None, f"{path} answered {response.status_code}")

    # --- requests and failures -----------------------------------------------------------------

    def headers(self, platform: str = "") -> Headers:
        """Return the headers that every request carries."""
        headers = [("Ballerina-Platform", platform or self.platform), ("User-Agent", self.version)]
        if self.telemetry:
            headers.append(("Ballerina-Central-Telemetry-Disabled", self.telemetry))
        if self.token:
            headers.append(("Authorization", f"Bearer {self.token}"))
        return headers

    async def _get(self, path: str, *, platform: str = "", extra: Headers = ()) -> httpx.Response:
        headers = (*self.headers(platform), ("Accept-Encoding", "gzip"), *extra)
        return await self.wire.send("GET", self.base + path, headers)

    def _raise_unauthorized(self, response: httpx.Response, org: str = "") -> None:
        if response.status_code != 401:
            return
        where = f" for organization: '{org}'" if org else ""
        hint = f"unauthorized access token{where}. check access token set in 'Settings.toml' file."
        message = message_of(response)
        raise Unauthorized(message or None, f"{hint} reason: {message}" if message else hint)

    def _raise_response_error(self, response: httpx.Response, failed: str) -> None:
        """Raise as the second hop does, which takes for granted that an error is JSON."""
        self._raise_unauthorized(response)
        if response.status_code in (400, 404, 500, 502, 503, 504):
            if not is_json(response):
                raise Crashed(None, "com.google.gson.JsonSyntaxException")
            raise ClientFailure(message_of(response), f"{failed} reason:{message_of(response)}")
        raise ClientFailure(None, failed)


def unpacked(coordinate: str, url: str, disposition: str, content: bytes) -> Pulled:
    """Return what the client makes of a download: the version from the URL, the platform from F."""
    org, name, _ = parts_of(coordinate)
    version = version_in_url(url)
    if not _SEMVER.fullmatch(version):
        raise ClientFailure(None, f"Invalid version: '{version}'.")
    file_name = disposition[len(PREFIX) :]
    platform = java_platform(file_name, name, version)
    return Pulled(org, name, version, platform, file_name, content)


def _deprecation(response: httpx.Response) -> str | None:
    is_deprecated = response.headers.get("isdeprecated", "").lower() == "true"
    return response.headers.get("deprecatemessage", "") if is_deprecated else None


def _raise_server_error(response: httpx.Response, failed: str) -> None:
    message = message_of(response)
    if response.status_code in (500, 503) and message:
        raise ClientFailure(message, f"{failed}{message}")


def _outcome(package: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if not after["isDeprecated"]:
        return f"deprecation of the package {package} is successfully undone in central"
    if before["isDeprecated"]:
        return f"deprecation message is successfully updated for the package {package} in central"
    return f"package {package} marked as deprecated in central successfully"
