"""/2.0/registry/packages: push, pull, metadata, versions and deprecation, as `bal` calls them."""

from collections.abc import Sequence
from datetime import timedelta
from unicodedata import combining, normalize

from functions.archives import locate_archive, redirect_to_archive
from functions.central.central_face import CORS_HEADERS, OPEN_HEADERS, CentralFace
from functions.central.package_model import package_model, proofs_model
from functions.http.body_parsing import (
    announced_digest,
    archive_parts,
    json_object,
    require_upload_taken,
)
from functions.http.calls import Call
from functions.http.json_answers import empty_answer, json_answer
from shared.domain.advisories.advisories import Advisory
from shared.domain.archives.delivery import ARCHIVE_TYPE, PullProtocol, content_disposition
from shared.domain.archives.names import archive_file_name, go_platform, package_in_file_name
from shared.domain.coordinates import Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import Invalid, Unavailable
from shared.domain.errors.identity import credentials_missing
from shared.domain.errors.packages import PackageNotFound, ReleaseNotFound
from shared.domain.errors.requests import BodyUnreadable
from shared.domain.listings import Listing
from shared.domain.packages import Release
from shared.domain.rate_limits import RateLimitClass
from shared.domain.times import MS
from shared.domain.versions import Range, Version, parse_version_or_range
from shared.runtime.answer_dependencies import Dependencies
from shared.runtime.answers import Answer
from shared.services.packages.pull_redirects import LocatedArchive
from shared.services.publishing.uploads import Upload

central = CentralFace()
central_without_404 = CentralFace(shows_404=False)
FACES = (central, central_without_404)

# While a release is being logged, the answer without a proof is cached only this long.
CACHED_WITHOUT_PROOF = timedelta(seconds=5)
CACHED_WITH_PROOF = timedelta(minutes=1)
LATEST = "latest"  # What scripts of ballerina-library write for `*`.


@central_without_404.change("2.0/registry/packages", accepts_archive=True)
async def central_push(call: Call) -> Answer:
    if call.caller.is_anonymous:
        raise credentials_missing()  # Before the archive is read, which is expensive.
    registry = call.registry
    require_upload_taken(call, registry.settings.app_role)
    await registry.limits.rate_limiter.require_changes_allowed(RateLimitClass.PUSH)
    limit = registry.settings.max_archive_bytes
    parts = archive_parts(call, name="bala-file", limit=limit)
    part = parts["bala-file"]
    provenance = parts.get("provenance")
    named = package_in_file_name(part.file_name)
    upload = Upload(
        part.content,
        announced_digest(call),
        sigstore=provenance.content if provenance else None,
        claimed_package=named,
    )
    published = await registry.publishing.releases.push(upload, by=call.caller)
    call.add_allowance(published.allowance)
    published.require_published()
    return empty_answer(204)  # bal prints its success line on 204 alone.


@central.read("2.0/registry/packages/{org}/{name}", uses_answer_cache=True)
async def central_versions(call: Call) -> Answer:
    found = await call.package_source.versions(call.package, client=call.client, by=call.caller)
    answer = json_answer([version.text for version in found.versions], headers=OPEN_HEADERS)
    answer.depends_on = found.depends_on
    return answer


@central.read("2.0/registry/packages/{org}/{name}/{version}", uses_answer_cache=True)
async def central_package(call: Call) -> Answer:
    text = call.route_params["version"]
    version = parse_version_or_range("*" if text == LATEST else text)
    if ARCHIVE_TYPE in call.header("accept"):
        return await _pull(call, version)
    return await _metadata(call, version)


async def _metadata(call: Call, version: Version | Range) -> Answer:
    """Return the release with its successor, its advisories and its place in the log."""
    client = call.client
    if version == Range():  # `bal deprecate` of a whole package asks with its own platform.
        client = client.on_any_platform()
    listing = await call.package_source.describe(
        call.package, version, client=client, by=call.caller
    )
    release = listing.release
    model, of_successor = await _named_model(call, listing)
    logged = await _logged_model(call, release)
    affected = await call.registry.advisories.affected_versions.of_releases([release.coordinate])
    named = _advisories_model(affected.advisories[0])
    answer = json_answer(model | named | logged, headers=OPEN_HEADERS)
    of_release = Dependencies.of_release(listing.head, release, version)
    answer.depends_on = (
        of_release and affected.depends_on and of_release | of_successor | affected.depends_on
    )
    answer.cacheable_until_ms = _cacheable_until_ms(call, release, is_logged=bool(logged))
    return answer


def _cacheable_until_ms(call: Call, release: Release, *, is_logged: bool) -> float:
    """Return until when the metadata may be cached: as long as the release, its advisories and its
    proof may be."""
    # A proof changes only when another log follows, which is no change of the release.
    proof_cached_for = CACHED_WITH_PROOF if is_logged else CACHED_WITHOUT_PROOF
    return min(
        call.fresh_until_ms(release),
        call.registry.advisories.affected_versions.cacheable_until_ms,
        call.registry.clock.monotonic_ms() + proof_cached_for // MS,
    )


def _advisories_model(advisories: Sequence[Advisory]) -> dict[str, object]:
    """Return the ids of the advisories that affect the release; nothing without any."""
    return {"advisories": [each.id for each in advisories]} if advisories else {}


async def _logged_model(call: Call, release: Release) -> dict[str, object]:
    """Return where the transparency log has the release, and the proof; nothing until it does."""
    try:
        logged = await call.registry.transparency.proofs.find(release)
    except Unavailable:
        return {}
    if logged is None:
        return {}
    return {"transparencyLog": {"index": logged.proof.index, "proof": logged.proof.text}}


async def _pull(call: Call, version: Version | Range) -> Answer:
    """Redirect to the archive; `bal` reads its headers from the redirect."""
    client = call.client
    at = await locate_archive(
        call, call.package, version, client=client, protocol=PullProtocol.CENTRAL
    )
    # Java compares with BigInteger.toString(16), which has no leading zeros; Go wants all digits.
    is_java = any(platform.startswith("java") for platform in client.platforms or ())
    headers = {
        **CORS_HEADERS,
        "Content-Disposition": content_disposition(_file_name(call.package, at)),
        "digest": at.archive_digest.header_without_leading_zeros()
        if is_java
        else at.archive_digest.header(),
    }
    if at.deprecation is not None:
        headers |= _deprecation(at.deprecation)
    return redirect_to_archive(call, at, headers)


def _file_name(asked: Package, at: LocatedArchive) -> str:
    """Return the file name from which the client reads the platform; it looks for the name as it
    asked for it, in whatever case."""
    name = at.coordinate.package.name
    if asked.name == name:
        return at.file
    version = at.coordinate.version
    platform = go_platform(at.file, name, version.text) or ""
    return archive_file_name(asked.at(version), platform)


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
_PREFIX = b'{"message": "'
_SUFFIX = b'"}'


@central.change(
    "2.0/registry/packages/deprecate/{org}/{name}/{version}", ["PUT"], limit=RateLimitClass.WRITE
)
async def central_deprecate(call: Call) -> Answer:
    (package, version) = _target(call)
    message = _message(call)
    deprecation = call.registry.packages.deprecation
    if isinstance(version, Range):
        await deprecation.deprecate_package(package, message, by=call.caller)
    else:
        await deprecation.deprecate(package.at(version), message, by=call.caller)
    return await _package_answer(call, package, version)


@central.change(
    "2.0/registry/packages/undeprecate/{org}/{name}/{version}", ["PUT"], limit=RateLimitClass.WRITE
)
async def central_undeprecate(call: Call) -> Answer:
    (package, version) = _target(call)
    deprecation = call.registry.packages.deprecation
    if isinstance(version, Range):
        await deprecation.undeprecate_package(package, by=call.caller)
    else:
        await deprecation.undeprecate(package.at(version), by=call.caller)
    return await _package_answer(call, package, version)


def _target(call: Call) -> tuple[Package, Version | Range]:
    package = call.package
    version = parse_version_or_range(call.route_params["version"])
    if isinstance(version, Range) and version != Range():
        raise Invalid(
            "range-not-deprecable",
            f"{version} names several versions. Deprecate one version, or the whole package with "
            "*.",
        )
    return package, version


def _message(call: Call) -> str:
    """Return the message; the Java client does not escape it, so the body may be invalid JSON."""
    body = call.content().strip()
    try:
        message = json_object(call).get("message", "")
    except BodyUnreadable:
        if not (body.startswith(_PREFIX) and body.endswith(_SUFFIX)):
            raise
        return body[len(_PREFIX) : -len(_SUFFIX)].decode("utf-8", "replace")
    if not isinstance(message, str):
        raise BodyUnreadable(_EXPECTED_MESSAGE)
    return message


async def _package_answer(call: Call, package: Package, version: Version | Range) -> Answer:
    """Return the Package; nothing of it to a token that may deprecate it and not read it."""
    try:
        listing = await call.package_source.describe(
            package, version, client=ANY_CLIENT, by=call.caller
        )
    except (PackageNotFound, ReleaseNotFound):
        return json_answer({})
    model, _ = await _named_model(call, listing)
    return json_answer(model)


async def _named_model(call: Call, listing: Listing) -> tuple[dict[str, object], Dependencies]:
    """Return the Package with its successor, if it has one that the caller may see, and on what
    that depends."""
    seen = await call.registry.packages.successors.seen(listing.head, by=call.caller)
    named = {"successor": str(seen.package)} if seen.package else {}
    proofs = proofs_model(call.registry, listing.release)
    return package_model(call.registry, listing) | proofs | named, seen.depends_on
