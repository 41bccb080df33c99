"""GET /2.0/registry/packages/{org}/{name}[/{version}]: versions, metadata, hop one of a pull."""

from unicodedata import combining, normalize

import azure.functions as func

from functions._central import CORS, OPEN, central_errors, package_model
from functions._http import caller_of, client_of, header, headers_of, json_answer
from functions._second_hop import second_hop_of
from functions._standing import pull_of, stands
from shared.domain.filename import archive_file_name
from shared.domain.language import ClientProfile
from shared.domain.names import Package
from shared.domain.version import parse_version_or_range
from shared.registry import Registry
from shared.services.pulling import Offer
from shared.services.serving import SecondHop

ARCHIVE = "application/octet-stream"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the Central face that read one package."""
    bp = func.Blueprint()

    @bp.route("2.0/registry/packages/{org}/{name}", methods=["GET", "HEAD"])
    @central_errors
    async def central_versions(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        package = Package.parse(req.route_params["org"], req.route_params["name"])
        versions = await registry.pulling.versions(package, client=client_of(req), by=caller)
        answer = json_answer([version.text for version in versions], headers=OPEN)
        return stands(answer, registry)

    @bp.route("2.0/registry/packages/{org}/{name}/{version}", methods=["GET", "HEAD"])
    @central_errors
    async def central_package(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        package = Package.parse(req.route_params["org"], req.route_params["name"])
        wanted = parse_version_or_range(req.route_params["version"])
        client = client_of(req)
        if ARCHIVE in header(req, "accept"):
            offer = await registry.pulling.find(package, wanted, client=client, by=caller)
            counts = pull_of(offer.release.coordinate, registry)
            counts(req, caller)
            hop = await second_hop_of(req, offer, registry)
            answer = _first_hop(hop, offer, client)
            return stands(answer, registry, counts) if hop.stands else answer
        listing = await registry.pulling.describe(package, wanted, client=client, by=caller)
        return stands(json_answer(package_model(registry, listing), headers=OPEN), registry)

    return bp


def _first_hop(hop: SecondHop, offer: Offer, client: ClientProfile) -> func.HttpResponse:
    """Redirect to the bytes, with all that the clients read from this answer's headers."""
    release = offer.release
    file = archive_file_name(release.coordinate, release.platform)
    headers = {
        **CORS,
        "Cache-Control": hop.cache_control,
        "Location": hop.url,
        "Content-Disposition": f"attachment; filename={file}",
        "digest": _digest(offer, client),
    }
    if offer.deprecation is not None:
        headers |= _deprecation(offer.deprecation)
    return func.HttpResponse(status_code=302, headers=headers)


def _digest(offer: Offer, client: ClientProfile) -> str:
    # Java compares with BigInteger.toString(16), which has no leading zeros; Go wants all digits.
    is_java = any(platform.startswith("java") for platform in client.platforms or ())
    content = offer.release.content
    return content.header_without_leading_zeros() if is_java else content.header()


def _deprecation(message: str) -> dict[str, str]:
    """Return the two headers that Java reads and the two that Go reads."""
    # The host sends no header that is not ASCII, so accents are taken off, and the rest is `?`.
    plain = "".join(c for c in normalize("NFKD", message) if not combining(c))
    text = plain.encode("ascii", "replace").decode("ascii")
    return {
        "isdeprecated": "true",
        "deprecatemessage": text,
        "Is-Deprecated": "true",
        "Deprecate-Message": text,
    }
