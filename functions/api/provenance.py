"""/api/v1/packages/…/origin and /api/v1/provenance: where a release comes from, and what vouches
for it."""

from enum import Enum
from typing import Any, Self

from pydantic import Field, field_validator

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime, utc_datetime
from functions.api.query_parameters import BALLERINA_VERSION
from functions.http.addresses import provenance_path
from functions.http.json_answers import JSON
from functions.http.representations import Representation, conditional_answer
from shared.domain.packages import Release
from shared.domain.trusted_publishing.jobs import PERSONAL_CLAIMS, Provider
from shared.domain.visibility import Visibility
from shared.runtime.answers import Answer


class Means(Enum):
    """By what a release was published."""

    JOB = "trusted-publisher"
    TOKEN = "stored-token"  # noqa: S105 - it names a means and is none.
    UPSTREAM = "upstream"  # Another registry published it, and it is mirrored here.


class RunView(ResponseModel):
    """The run of a CI system that published a release, as its provider signed it."""

    provider: Provider
    repository: str
    workflow: str
    reusable_workflow: str = Field(
        validation_alias="defined_elsewhere",
        description="The workflow that the job ran in, if it is not a file of the repository.",
    )
    ref: str
    commit: str
    run_url: str
    issuer: str = Field(
        description="The address of the issuer, for the provider oidc; empty for other providers."
    )
    subject: str = Field(description="The subject of the id token, for the provider oidc.")
    claims: dict[str, str] = Field(
        description="For other providers: the ids of the repository, and other signed claims."
    )

    @field_validator("claims", mode="after")
    @classmethod
    def _about_no_person(cls, claims: dict[str, str]) -> dict[str, str]:
        """Leave out who started the run: only the operator sees that."""
        return {name: text for name, text in claims.items() if name not in PERSONAL_CLAIMS}


class SignatureView(ResponseModel):
    """A signature of the registry."""

    keyid: str = Field(description="The id of a key in /api/v1/keys.")
    sig: str = Field(
        description="The signature of org/name@version:sha256-BASE64, by ECDSA over P-256 with "
        "SHA-256; DER in Base64."
    )


class OriginView(ResponseModel):
    """Where a release comes from."""

    org: str
    name: str
    version: str
    digest: str
    published_at: UtcTime
    published_by: Means
    run: RunView | None = Field(
        description="Null for a release that came with a stored token: nobody vouched for it."
    )
    signatures: list[SignatureView] = Field(description="Empty for a release that has none yet.")
    sigstore: str = Field(
        description="The Sigstore instance that its bundle was verified with, public-good or "
        "github; empty without a bundle."
    )
    provenance_url: str = Field(description="What vouches for it, signed.")

    @classmethod
    def of(cls, release: Release, base_url: str) -> Self:
        provenance = release.origin.provenance
        return cls(
            org=release.org,
            name=release.name,
            version=release.version,
            digest=release.digest,
            published_at=utc_datetime(release.created_ms),
            published_by=_means(release),
            run=RunView.model_validate(provenance) if provenance else None,
            signatures=[SignatureView.model_validate(each) for each in release.signatures],
            sigstore=release.sigstore,
            provenance_url=f"{base_url}{provenance_path(release.coordinate)}",
        )


def _means(release: Release) -> Means:
    if release.upstream is not None:
        return Means.UPSTREAM
    return Means.JOB if release.origin.provenance else Means.TOKEN


provenance_api = ApiFace()


@provenance_api.operation(
    "GET",
    "api/v1/packages/{org}/{name}/{version}/origin",
    "Show the provenance of a release: the run of a workflow, or a stored token.",
    refusals=(400, 401, 404),
    needs_token=False,
    parameters=(BALLERINA_VERSION,),
)
async def api_provenance_origin(call: ApiCall) -> OriginView:
    asked = call.coordinate
    client = call.client
    found = await call.package_source.describe(
        asked.package, asked.version, client=client, by=call.caller
    )
    return OriginView.of(found.release, call.registry.settings.base_url)


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
    needs_token=False,
    parameters=(BALLERINA_VERSION,),
)
async def api_provenance_statements(call: ApiCall) -> ProvenanceView | Answer:
    asked = call.coordinate
    found = await call.package_source.describe(
        asked.package, asked.version, client=call.client, by=call.caller
    )
    attested = await call.registry.publishing.provenance.of(found.release)
    is_public = found.head.visibility is Visibility.PUBLIC
    return conditional_answer(call, Representation(attested.document, JSON, is_public=is_public))
