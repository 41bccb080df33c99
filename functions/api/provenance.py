"""/api/v1/provenance: what vouches for a release, for whoever wants to verify it."""

from typing import Any

from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel
from functions.api.packages import SignatureView
from functions.http.json_answers import JSON
from functions.http.representations import Representation, conditional_answer
from shared.domain.visibility import Visibility
from shared.runtime.answers import Answer


class EnvelopeView(ResponseModel):
    """A DSSE envelope with a statement of the registry."""

    payload: str = Field(description="An in-toto Statement v1 as JSON, in Base64.")
    payload_type: str = Field(description="application/vnd.in-toto+json.")
    signatures: list[SignatureView] = Field(
        description="Signatures of the pre-authentication encoding of the payload, by keys in "
        "/api/v1/keys."
    )


class UpstreamKeyView(ResponseModel):
    """A key of another registry."""

    keyid: str
    key: str = Field(description="SubjectPublicKeyInfo, in Base64.")


class UpstreamStatementsView(ResponseModel):
    """What the registry that published a mirrored release vouched for, with its keys."""

    registry: str = Field(description="Its address.")
    keys: list[UpstreamKeyView] = Field(
        description="Whoever signed the bundle that carried them vouches for these keys."
    )
    statements: list[EnvelopeView]


class ProvenanceView(ResponseModel):
    """What vouches for a release."""

    statements: list[EnvelopeView] = Field(
        description="The statements of this registry; empty for a release that is not signed yet."
    )
    bundles: list[dict[str, Any]] = Field(
        description="Sigstore bundles as they came with the push, which were verified then."
    )
    upstream: UpstreamStatementsView | None = Field(
        default=None,
        description="The statements of the registry that published a release which a bundle for "
        "registries without a network carried here; missing for others.",
    )


statements_api = ApiFace()


@statements_api.operation(
    "GET",
    "api/v1/provenance/{org}/{name}/{version}",
    "Show what vouches for a release: the signed statements of the registry, and Sigstore bundles.",
    refusals=(400, 401, 404),
)
async def api_provenance_statements(call: ApiCall) -> ProvenanceView | Answer:
    asked = call.coordinate
    found = await call.package_source.describe(
        asked.package, asked.version, client=call.client, by=call.caller
    )
    attested = await call.registry.packages.provenance.of(found.release)
    is_public = found.head.visibility is Visibility.PUBLIC
    return conditional_answer(call, Representation(attested.document, JSON, is_public=is_public))
