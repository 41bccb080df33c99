"""Assessments: an owner says of an advisory about a Java library inside a release whether it
affects the release."""

import json
from collections.abc import Sequence

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.advisories.advisories import Advisory
from shared.domain.advisories.assessments import (
    MAX_ASSESSMENTS,
    AnalysisState,
    Assessment,
    Justification,
    assessment_place,
    assessments_owner,
    parse_detail,
    vex_document,
)
from shared.domain.coordinates import Coordinate, purl
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import Conflict, NotFound, quoted
from shared.domain.errors.packages import ReleaseNotFound
from shared.domain.packages import Release
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.advisories.advisories import Advisories
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.packages.hosted_packages import HostedPackages


class AssessedFinding(Struct, frozen=True):
    """An advisory about a library inside a release, and what an owner says of it."""

    advisory: Advisory
    library: str
    assessment: Assessment | None


class ReleaseToAssess(Struct, frozen=True):
    """A release with its findings about Java libraries inside, also those that are cleared."""

    release: Release
    findings: tuple[AssessedFinding, ...]


class Assessments(Struct, frozen=True):
    """Keeps what owners say of findings about Java libraries.

    Everybody who sees a release reads its assessments. One that says that the release is not
    affected makes the advisory no finding of it.
    """

    authorization: Authorization
    hosted: HostedPackages
    metadata: MetadataStore
    directory: DirectoryStore
    advisories: Advisories
    audited_writer: AuditedWriter
    clock: Clock
    base_url: str

    async def of_release(self, coordinate: Coordinate, *, by: Principal) -> Sequence[Assessment]:
        """Return the assessments of a release, by the ids of the advisories; raise
        `ReleaseNotFound`."""
        found = await self.hosted.find(
            coordinate.package, coordinate.version, client=ANY_CLIENT, by=by
        )
        return await self._of(found.release.coordinate)

    async def to_assess(self, coordinate: Coordinate, *, by: Principal) -> ReleaseToAssess:
        """Return what owners can assess of a release; raise `ReleaseNotFound`."""
        release = await self._release(coordinate, by)
        assessments = {each.advisory: each for each in await self._of(release.coordinate)}
        findings = await self._findings(release, by)
        return ReleaseToAssess(
            release,
            tuple(
                AssessedFinding(advisory, library, assessments.get(advisory.id))
                for advisory, library in findings
            ),
        )

    async def vex(self, coordinate: Coordinate, *, by: Principal) -> bytes:
        """Return the assessments of a release as CycloneDX (VEX); raise `ReleaseNotFound`."""
        found = await self.of_release(coordinate, by=by)
        named = found[0].coordinate if found else coordinate
        document = vex_document(named, purl(named, self.base_url), found, self.base_url)
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    @retried_when_stale
    async def assess(
        self,
        coordinate: Coordinate,
        advisory: str,
        state: AnalysisState,
        justification: Justification | None,
        detail: str,
        *,
        by: Principal,
    ) -> Assessment:
        """Say whether the advisory affects the release; a repeat changes nothing.

        Raises `ReleaseNotFound`, `finding-missing`, `InvalidRequest` and `assessments-full`.
        """
        release = await self._release(coordinate, by)
        line = parse_detail(state, justification, detail)
        named = await self._finding(release, advisory, by)
        at = release.coordinate
        current = await self.directory.get(Assessment, assessment_place(at, named))
        if current and (current.state, current.justification, current.detail) == (
            state,
            justification,
            line,
        ):
            return current
        assessment = Assessment(
            org=release.org,
            name=release.name,
            version=release.version,
            advisory=named,
            state=state,
            justification=justification,
            detail=line,
            by=by.id,
            at_ms=self.clock.now_ms(),
        )
        if current is None and len(await self._of(at)) >= MAX_ASSESSMENTS:
            raise Conflict(
                "assessments-full",
                f"{at} has {MAX_ASSESSMENTS} assessments, and no more fit. Publish a version with "
                "newer libraries, or take one back.",
            )
        change = _change("advisory.assessed", assessment)
        return await self.audited_writer.put(assessment, stored=current, change=change, by=by)

    @retried_when_stale
    async def retract(self, coordinate: Coordinate, advisory: str, *, by: Principal) -> None:
        """Take an assessment back; raise `assessment-not-found`."""
        release = await self._release(coordinate, by)
        at = release.coordinate
        assessments = {each.advisory.lower(): each for each in await self._of(at)}
        current = assessments.get(advisory.lower())
        if current is None:
            raise NotFound(
                "assessment-not-found",
                f"Nobody has assessed {quoted(advisory)} for {at}. Correct the id.",
            )
        change = _change("advisory.retracted", current)
        await self.audited_writer.remove(current, change=change, by=by)

    async def _of(self, coordinate: Coordinate) -> list[Assessment]:
        return await self.directory.list_by_owner(Assessment, assessments_owner(coordinate))

    async def _release(self, coordinate: Coordinate, by: Principal) -> Release:
        await self.authorization.require_in_organization(by, Action.MANAGE, coordinate.package)
        found = await self.metadata.find(coordinate)
        if found.release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        return found.release

    async def _findings(self, release: Release, by: Principal) -> list[tuple[Advisory, str]]:
        """Return each advisory about libraries inside once, with the first of these."""
        found = await self.advisories.of_release(release, by)
        named = dict[str, tuple[Advisory, str]]()
        for each in (*found.java_libraries, *found.assessed):
            library = f"{each.library.name} {each.library.version}".strip() or each.library.path
            for advisory in each.advisories:
                named.setdefault(advisory.id, (advisory, library))
        return [named[each] for each in sorted(named)]

    async def _finding(self, release: Release, advisory: str, by: Principal) -> str:
        """Return the id of the advisory, as it is spelled, if it is about a library inside."""
        for found, _ in await self._findings(release, by):
            if found.id.lower() == advisory.lower():
                return found.id
        raise NotFound(
            "finding-missing",
            f"No Java library inside {release.coordinate} is affected by {quoted(advisory)}. "
            "Correct the id: only advisories about libraries inside are assessed.",
        )


def _change(kind: str, assessment: Assessment) -> EntityChange:
    details = {"advisory": assessment.advisory, "state": assessment.state.value}
    subject = str(assessment.coordinate)
    return EntityChange(kind, subject, org=assessment.org, details=details)
