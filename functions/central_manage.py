"""PUT /2.0/registry/packages/deprecate/…: what `bal deprecate` calls, with and without `--undo`."""

import azure.functions as func

from functions._central import central_errors, package_model
from functions._http import caller_of, headers_of, json_answer, json_object
from shared.domain.errors import BodyUnreadable, RangeNotDeprecable
from shared.domain.identity import Principal
from shared.domain.language import EVERYTHING
from shared.domain.names import Package
from shared.domain.rates import Keys, OperationClass
from shared.domain.version import Range, Version, parse_version_or_range
from shared.registry import Registry

_A_MESSAGE = 'a message, such as {"message": "use acme/other"}'
_PREFIX, _SUFFIX = b'{"message": "', b'"}'


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the Central face that change a package."""
    bp = func.Blueprint()

    @bp.route("2.0/registry/packages/deprecate/{org}/{name}/{version}", methods=["PUT"])
    @central_errors
    async def central_deprecate(req: func.HttpRequest) -> func.HttpResponse:
        caller = await _writer(req, registry)
        package, wanted = _target(req)
        message = _message(req)
        if isinstance(wanted, Range):
            await registry.deprecating.deprecate_package(package, message, by=caller)
        else:
            await registry.deprecating.deprecate(package.at(wanted), message, by=caller)
        return await _package(registry, package, wanted, caller)

    @bp.route("2.0/registry/packages/undeprecate/{org}/{name}/{version}", methods=["PUT"])
    @central_errors
    async def central_undeprecate(req: func.HttpRequest) -> func.HttpResponse:
        caller = await _writer(req, registry)
        package, wanted = _target(req)
        if isinstance(wanted, Range):
            await registry.deprecating.undeprecate_package(package, by=caller)
        else:
            await registry.deprecating.undeprecate(package.at(wanted), by=caller)
        return await _package(registry, package, wanted, caller)

    return bp


async def _writer(req: func.HttpRequest, registry: Registry) -> Principal:
    caller = await caller_of(headers_of(req), registry)
    await registry.limiting.check(OperationClass.WRITE, Keys.of(caller))
    return caller


def _target(req: func.HttpRequest) -> tuple[Package, Version | Range]:
    package = Package.parse(req.route_params["org"], req.route_params["name"])
    wanted = parse_version_or_range(req.route_params["version"])
    if isinstance(wanted, Range) and wanted != Range():
        raise RangeNotDeprecable(wanted)
    return package, wanted


def _message(req: func.HttpRequest) -> str:
    """Return the message; the Java client does not escape it, so a body may be no JSON."""
    body = req.get_body().strip()
    try:
        message = json_object(req).get("message", "")
    except BodyUnreadable:
        if not (body.startswith(_PREFIX) and body.endswith(_SUFFIX)):
            raise
        return body[len(_PREFIX) : -len(_SUFFIX)].decode("utf-8", "replace")
    if not isinstance(message, str):
        raise BodyUnreadable(_A_MESSAGE)
    return message


async def _package(
    registry: Registry, package: Package, wanted: Version | Range, caller: Principal
) -> func.HttpResponse:
    listing = await registry.pulling.describe(package, wanted, client=EVERYTHING, by=caller)
    return json_answer(package_model(registry, listing))
