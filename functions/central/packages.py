"""/2.0/registry/packages: push, pull, metadata, versions and deprecation, as `bal` calls them."""

from functools import partial
from unicodedata import combining, normalize

import azure.functions as func

from functions.archives import redirect_to_archive
from functions.central.metadata import package_model
from functions.central.responses import (
    CORS_HEADERS,
    OPEN_HEADERS,
    central_errors,
    central_errors_without_404,
)
from functions.http.answer_cache import cacheable
from functions.http.callers import caller_of
from functions.http.requests import (
    READ_METHODS,
    archive_part,
    client_profile_of,
    header,
    headers_of,
    json_object,
    require_upload_taken,
)
from functions.http.responses import NO_STORE, json_response
from shared.composition import Registry
from shared.domain.archives.delivery import ARCHIVE_TYPE, content_disposition
from shared.domain.archives.names import Digest, archive_file_name
from shared.domain.errors.identity import CredentialsMissing
from shared.domain.errors.packages import RangeNotDeprecable
from shared.domain.errors.requests import BodyUnreadable
from shared.domain.identity import Principal
from shared.domain.names import Package
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.versions import ANY_CLIENT, ClientProfile, Range, Version, parse_version_or_range
from shared.services.archives import ArchiveRedirect
from shared.services.packages import AvailableRelease
from shared.services.publishing import Upload


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()
    _add_push(bp, registry)
    _add_pull(bp, registry)
    _add_deprecation(bp, registry)
    return bp


def _add_push(bp: func.Blueprint, registry: Registry) -> None:
    @bp.route("2.0/registry/packages", methods=["POST"])
    @central_errors_without_404
    async def central_push(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        if caller.is_anonymous:
            raise CredentialsMissing  # Before the archive is read, which is expensive.
        require_upload_taken(req, registry.settings.app_role)
        await registry.rate_limiter.require_changes_allowed(RateLimitClass.PUSH)
        limit = registry.settings.max_archive_bytes
        upload = Upload(archive_part(req, name="bala-file", limit=limit), _expected_digest(req))
        await registry.publishing.push(upload, by=caller)
        # bal prints its success line on 204 alone.
        return func.HttpResponse(status_code=204, headers=NO_STORE)


def _expected_digest(req: func.HttpRequest) -> Digest | None:
    text = header(req, "digest")
    return Digest.parse_header(text) if text else None


def _add_pull(bp: func.Blueprint, registry: Registry) -> None:
    @bp.route("2.0/registry/packages/{org}/{name}", methods=READ_METHODS)
    @central_errors
    @cacheable(registry)
    async def central_versions(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        package = Package.parse(req.route_params["org"], req.route_params["name"])
        versions = await registry.packages.versions(
            package, client=client_profile_of(req), by=caller
        )
        return json_response([version.text for version in versions], headers=OPEN_HEADERS)

    @bp.route("2.0/registry/packages/{org}/{name}/{version}", methods=READ_METHODS)
    @central_errors
    @cacheable(registry)
    async def central_package(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        package = Package.parse(req.route_params["org"], req.route_params["name"])
        version = parse_version_or_range(req.route_params["version"])
        client = client_profile_of(req)
        if ARCHIVE_TYPE in header(req, "accept"):
            available = await registry.packages.find(package, version, client=client, by=caller)
            headers = partial(_redirect_headers, available, client)
            return await redirect_to_archive(req, available, registry, by=caller, headers=headers)
        listing = await registry.packages.describe(package, version, client=client, by=caller)
        return json_response(package_model(registry, listing), headers=OPEN_HEADERS)


def _redirect_headers(
    available: AvailableRelease, client: ClientProfile, redirect: ArchiveRedirect
) -> dict[str, str]:
    """Return the headers that `bal` reads from the redirect, instead of from the archive."""
    release = available.release
    file = archive_file_name(release.coordinate, release.platform)
    headers = {
        **CORS_HEADERS,
        "Cache-Control": redirect.cache_control,
        "Location": redirect.url,
        "Content-Disposition": content_disposition(file),
        "digest": _digest(available, client),
    }
    if available.deprecation is not None:
        headers |= _deprecation(available.deprecation)
    return headers


def _digest(available: AvailableRelease, client: ClientProfile) -> str:
    # Java compares with BigInteger.toString(16), which has no leading zeros; Go wants all digits.
    is_java = any(platform.startswith("java") for platform in client.platforms or ())
    content = available.release.content
    return content.header_without_leading_zeros() if is_java else content.header()


def _deprecation(message: str) -> dict[str, str]:
    """Return the two headers that Java clients read, and the two that Go clients read."""
    # The host sends ASCII headers only: accents are removed, other letters become `?`.
    plain = "".join(c for c in normalize("NFKD", message) if not combining(c))
    text = plain.encode("ascii", "replace").decode("ascii")
    return {
        "isdeprecated": "true",
        "deprecatemessage": text,
        "Is-Deprecated": "true",
        "Deprecate-Message": text,
    }


_EXPECTED_MESSAGE = 'a message, such as {"message": "use acme/other"}'
_PREFIX, _SUFFIX = b'{"message": "', b'"}'


def _add_deprecation(bp: func.Blueprint, registry: Registry) -> None:
    @bp.route("2.0/registry/packages/deprecate/{org}/{name}/{version}", methods=["PUT"])
    @central_errors
    async def central_deprecate(req: func.HttpRequest) -> func.HttpResponse:
        caller = await _writing_caller(req, registry)
        package, version = _target(req)
        message = _message(req)
        if isinstance(version, Range):
            await registry.deprecation.deprecate_package(package, message, by=caller)
        else:
            await registry.deprecation.deprecate(package.at(version), message, by=caller)
        return await _package_response(registry, package, version, caller)

    @bp.route("2.0/registry/packages/undeprecate/{org}/{name}/{version}", methods=["PUT"])
    @central_errors
    async def central_undeprecate(req: func.HttpRequest) -> func.HttpResponse:
        caller = await _writing_caller(req, registry)
        package, version = _target(req)
        if isinstance(version, Range):
            await registry.deprecation.undeprecate_package(package, by=caller)
        else:
            await registry.deprecation.undeprecate(package.at(version), by=caller)
        return await _package_response(registry, package, version, caller)


async def _writing_caller(req: func.HttpRequest, registry: Registry) -> Principal:
    caller = await caller_of(headers_of(req), registry)
    await registry.rate_limiter.check(RateLimitClass.WRITE, RateLimitKeys.of(caller))
    return caller


def _target(req: func.HttpRequest) -> tuple[Package, Version | Range]:
    package = Package.parse(req.route_params["org"], req.route_params["name"])
    version = parse_version_or_range(req.route_params["version"])
    if isinstance(version, Range) and version != Range():
        raise RangeNotDeprecable(version)
    return package, version


def _message(req: func.HttpRequest) -> str:
    """Return the message; the Java client does not escape it, so the body may be invalid JSON."""
    body = req.get_body().strip()
    try:
        message = json_object(req).get("message", "")
    except BodyUnreadable:
        if not (body.startswith(_PREFIX) and body.endswith(_SUFFIX)):
            raise
        return body[len(_PREFIX) : -len(_SUFFIX)].decode("utf-8", "replace")
    if not isinstance(message, str):
        raise BodyUnreadable(_EXPECTED_MESSAGE)
    return message


async def _package_response(
    registry: Registry, package: Package, version: Version | Range, caller: Principal
) -> func.HttpResponse:
    listing = await registry.packages.describe(package, version, client=ANY_CLIENT, by=caller)
    return json_response(package_model(registry, listing))
