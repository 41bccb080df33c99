"""POST /api/v1/leaked-tokens: secret scanning services report leaked tokens here.

The body is what they sign, in the form of GitHub's secret scanning; docs/tokens.md shows it.
"""

import azure.functions as func
from pydantic import BaseModel, RootModel

from functions.api.operations import Operation, api_caller
from functions.http.handlers import api_errors
from functions.http.requests import headers_of
from functions.http.responses import JSON, NO_STORE
from shared.composition import Registry
from shared.domain.secrets import hash_secret
from shared.services.secret_scanning import Label, LeakedTokenFinding


class LeakedTokenVerdict(BaseModel):
    """Whether a text was a token here; what was reported is named by its SHA-256 alone."""

    token_hash: str
    token_type: str
    label: Label


class LeakedTokenVerdicts(RootModel[list[LeakedTokenVerdict]]):
    """A verdict for each entry of the report, in its order."""


SECRET_SCANNING_OPERATIONS = (
    Operation(
        "api_leaks_report",
        "POST",
        "api/v1/leaked-tokens",
        "Report leaked tokens, signed by a scanner that this registry knows; they end at once.",
        200,
        answer=LeakedTokenVerdicts,
        refusals=(400, 401, 413),
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that takes reports; a signature proves them, not a token."""
    bp = func.Blueprint()

    @bp.route("api/v1/leaked-tokens", methods=["POST"])
    @api_errors
    async def api_leaks_report(req: func.HttpRequest) -> func.HttpResponse:
        headers = headers_of(req)
        caller = await api_caller(req, registry)
        findings = await registry.secret_scanning.process_report(
            req.get_body(), headers, address=caller.address
        )
        verdicts = LeakedTokenVerdicts([_verdict(each) for each in findings])
        return func.HttpResponse(verdicts.model_dump_json(), headers=NO_STORE, mimetype=JSON)

    return bp


def _verdict(finding: LeakedTokenFinding) -> LeakedTokenVerdict:
    digest = hash_secret(finding.leaked.text.reveal())
    return LeakedTokenVerdict(
        token_hash=digest, token_type=finding.leaked.kind, label=finding.label
    )
