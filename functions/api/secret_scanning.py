"""POST /api/v1/leaked-tokens: secret scanning services report leaked tokens here.

The body is what they sign, in the form of GitHub's secret scanning; docs/tokens.md shows it.
"""

from pydantic import BaseModel, RootModel

from functions.api.operations import (
    ApiCall,
    ApiFace,
)
from shared.domain.tokens import hash_secret
from shared.services.tokens.secret_scanning import Label, LeakedTokenFinding


class LeakedTokenVerdict(BaseModel):
    """Whether a text was a token here; what was reported is named by its SHA-256 alone."""

    token_hash: str
    token_type: str
    label: Label


class LeakedTokenVerdicts(RootModel[list[LeakedTokenVerdict]]):
    """A verdict for each entry of the report, in its order."""


secret_scanning_api = ApiFace()


@secret_scanning_api.operation(
    "POST",
    "api/v1/leaked-tokens",
    "Report leaked tokens, signed by a scanner that this registry knows; they end at once.",
    refusals=(400, 401, 413),
)
async def api_leaks_report(call: ApiCall) -> LeakedTokenVerdicts:
    findings = await call.registry.tokens.secret_scanning.process_report(
        call.content(), call.headers, address=call.caller.address
    )
    return LeakedTokenVerdicts([_verdict(each) for each in findings])


def _verdict(finding: LeakedTokenFinding) -> LeakedTokenVerdict:
    digest = hash_secret(finding.leaked.text.reveal())
    return LeakedTokenVerdict(
        token_hash=digest, token_type=finding.leaked.kind, label=finding.label
    )
