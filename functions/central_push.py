"""POST /2.0/registry/packages: what `bal push` calls."""

import azure.functions as func

from functions._central import central_errors_without_404
from functions._http import NO_STORE, caller_of, header, headers_of
from functions._multipart import archive_part
from shared.domain.digest import Digest
from shared.domain.errors import CredentialsMissing
from shared.domain.rates import OperationClass
from shared.registry import Registry
from shared.services.publishing import Upload


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the Central face that publishes."""
    bp = func.Blueprint()

    @bp.route("2.0/registry/packages", methods=["POST"])
    @central_errors_without_404
    async def central_push(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        if caller.is_anonymous:
            raise CredentialsMissing  # Before anything is read: archives cost their reader.
        await registry.limiting.admit(OperationClass.PUSH)
        limit = registry.settings.max_archive_bytes
        upload = Upload(archive_part(req, name="bala-file", limit=limit), _announced(req))
        await registry.publishing.push(upload, by=caller)
        # bal prints its success line on 204 alone.
        return func.HttpResponse(status_code=204, headers=NO_STORE)

    return bp


def _announced(req: func.HttpRequest) -> Digest | None:
    text = header(req, "digest")
    return Digest.parse_header(text) if text else None
