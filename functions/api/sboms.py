"""/api/v1/sbom: the bills of materials of a release, and how that of its author differs."""

from typing import Self

from msgspec.structs import asdict
from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel
from functions.http.caching_headers import NO_STORE
from shared.domain.coordinates import Coordinate
from shared.domain.sboms import (
    AUTHOR_SBOM_TYPE,
    SBOM_TYPE,
    Difference,
    SbomDifferences,
)
from shared.runtime.answers import Answer

_REFUSALS = (400, 401, 404)

sboms_api = ApiFace()


@sboms_api.operation(
    "GET",
    "api/v1/sbom/{org}/{name}/{version}",
    "Show the bill of materials that the registry made of a release: CycloneDX 1.6 in JSON.",
    refusals=_REFUSALS,
    needs_token=False,
    media_types=(SBOM_TYPE,),
)
async def api_sbom(call: ApiCall) -> Answer:
    content = await call.registry.api_docs.sboms.sbom(call.coordinate, by=call.caller)
    return Answer(content, headers=dict(NO_STORE), media_type=SBOM_TYPE)


@sboms_api.operation(
    "GET",
    "api/v1/sbom/{org}/{name}/{version}/author",
    "Show the bill of materials of the author of a release, byte for byte.",
    refusals=_REFUSALS,
    needs_token=False,
    media_types=(AUTHOR_SBOM_TYPE,),
)
async def api_sbom_author(call: ApiCall) -> Answer:
    content = await call.registry.api_docs.sboms.author_sbom(call.coordinate, by=call.caller)
    return Answer(content, headers=dict(NO_STORE), media_type=AUTHOR_SBOM_TYPE)


class DifferentComponentView(ResponseModel):
    """A component of which the two bills say different things."""

    difference: Difference
    name: str = Field(description="A package URL, or the name of a file.")
    registry: str = Field(description="A version, a package URL or a SHA-256; else empty.")
    author: str = Field(description="The same in the author's bill.")


class SbomDifferencesView(ResponseModel):
    """How the author's bill of materials of a release differs from that of the registry."""

    org: str
    name: str
    version: str
    same: int = Field(description="How many components are in both.")
    differences: list[DifferentComponentView]
    hidden: int = Field(description="How many more differences there are.")
    problem: str = Field(description="Why the author's bill was not compared; else empty.")

    @classmethod
    def of(cls, at: Coordinate, found: SbomDifferences) -> Self:
        package = at.package
        named = {"org": package.org, "name": package.name, "version": at.version.text}
        return cls.model_validate(named | asdict(found))


@sboms_api.operation(
    "GET",
    "api/v1/sbom/{org}/{name}/{version}/differences",
    "Compare the two bills of materials of a release by package URL and SHA-256.",
    refusals=_REFUSALS,
    needs_token=False,
)
async def api_sbom_differences(call: ApiCall) -> SbomDifferencesView:
    sboms = call.registry.api_docs.sboms
    release = await sboms.find(call.coordinate, by=call.caller)
    return SbomDifferencesView.of(release.coordinate, await sboms.differences(release))
