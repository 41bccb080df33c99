"""Advisories that owners write about packages of their organization, and administrators about any
package: what a form or a request says becomes the advisory that `Advisories` stores."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.access_rights import AccessContext
from shared.domain.advisories.advisories import (
    Advisory,
    AdvisoryState,
    advisory_not_found,
    advisory_withdrawn,
    ballerina_ecosystem,
    parse_advisory_id,
)
from shared.domain.advisories.authoring import AdvisoryBody, WrittenAdvisory, advisory_body
from shared.domain.advisories.records import OWNER, StoredAdvisory
from shared.domain.coordinates import Package
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, InvalidRequest, NotFound, about_field
from shared.domain.errors.packages import PackageNotFound
from shared.domain.names import OrgName
from shared.domain.packages import Survey
from shared.domain.principals import Principal
from shared.domain.reasons import parse_required_reason, reason_for_change
from shared.domain.scopes import Action
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.services.advisories.advisories import Advisories, ChangedAdvisory
from shared.services.advisories.malware import MalwareQuarantine
from shared.services.identity.mail import DecisionMail

MAX_WRITTEN = 1_000  # Advisories that one organization, or the administrators together, may have.

_OF_REGISTRY = "advisories"


class ChosenPackage(Struct, frozen=True):
    """A package that an advisory can be about, with the versions to choose from, newest first."""

    package: Package
    versions: Sequence[str]


class AdvisoryAuthoring(Struct, frozen=True):
    """Writes advisories: of an organization for its owners, and of the registry, which have no
    organization, for administrators who signed in recently.

    Only they see drafts. What is published cannot become a draft again; it is changed, or withdrawn
    for good.
    """

    authorization: Authorization
    registry_authorization: RegistryAuthorization
    metadata: MetadataStore
    directory: DirectoryStore
    advisories: Advisories
    malware: MalwareQuarantine
    decision_mail: DecisionMail
    base_url: str

    async def written_by(self, org: OrgName | None, *, by: Principal) -> list[Advisory]:
        """Return the advisories of a writer with its drafts, the last changed first."""
        if org is not None:
            await self.authorization.require_to_read(by, Action.MANAGE, org)
            return await self.advisories.written(org, by)
        found = await self.advisories.stored(by)
        return [each for each in found if not each.org and not each.is_imported]

    async def show(self, org: OrgName | None, advisory_id: str, *, by: Principal) -> Advisory:
        """Return an advisory of a writer; raise `advisory-not-found`."""
        await self._require_reading(org, by)
        place = Place(OWNER, parse_advisory_id(advisory_id))
        stored = await self.directory.get(StoredAdvisory, place)
        if stored is None or stored.org != (org.lower() if org else ""):
            raise advisory_not_found(advisory_id)
        found = stored.advisory
        if found.is_imported:
            raise advisory_not_found(advisory_id)
        return found

    async def choose(self, org: OrgName | None, package: str, *, by: Principal) -> ChosenPackage:
        """Return a package of the organization, or any for the registry, with its versions.

        Raises `InvalidName` and `PackageNotFound`, about the field of the form.
        """
        await self._require_reading(org, by)
        survey = await self._survey(org, package)
        return ChosenPackage(survey.head.package, _versions(survey))

    async def draft(
        self, org: OrgName | None, written: WrittenAdvisory, *, by: Principal
    ) -> Advisory:
        """Store the draft of an advisory, which gets the next id of the year.

        Raises `InvalidName`, `PackageNotFound`, `InvalidRequest` and `advisories-full`.
        """
        await self._require_writing(org, by)
        body = await self._body(org, written.package, written)
        if len(await self.written_by(org, by=by)) >= MAX_WRITTEN:
            raise Conflict(
                "advisories-full",
                f"There are {MAX_WRITTEN:,} advisories, and no more fit. Delete drafts.",
            )
        drafted = Advisory(
            id="", modified_ms=0, state=AdvisoryState.DRAFT, org=org.lower() if org else ""
        )
        return await self.advisories.store(_with_body(drafted, body), by)

    async def change(
        self, org: OrgName | None, advisory_id: str, written: WrittenAdvisory, *, by: Principal
    ) -> Advisory:
        """Replace what an advisory says of its package; a repeat changes nothing.

        Raises `advisory-not-found`, `advisory-withdrawn` and `InvalidRequest`.
        """
        await self._require_writing(org, by)

        async def changed(advisory: Advisory) -> Advisory:
            body = await self._body(org, _not_withdrawn(advisory).affected[0].name, written)
            return _with_body(advisory, body)

        return await self._change(org, advisory_id, changed, by)

    async def publish(self, org: OrgName | None, advisory_id: str, *, by: Principal) -> Advisory:
        """Publish a draft; a repeat returns the published advisory.

        One about malware quarantines matching releases where the setting says so. Raises
        `advisory-not-found` and `advisory-withdrawn`.
        """
        await self._require_writing(org, by)

        async def published(advisory: Advisory) -> Advisory:
            return replace(_not_withdrawn(advisory), state=AdvisoryState.PUBLISHED)

        return await self._change(org, advisory_id, published, by)

    async def _change(
        self, org: OrgName | None, advisory_id: str, changed: ChangedAdvisory, by: Principal
    ) -> Advisory:
        advisory = await self.show(org, advisory_id, by=by)

        async def permitted(stored: Advisory) -> Advisory:
            after = await changed(stored)
            await self._require_malware(after, by)
            return after

        stored = await self.advisories.change(advisory.org, advisory.id, permitted, by)
        await self.malware.apply(stored)
        return stored

    async def withdraw(
        self, org: OrgName | None, advisory_id: str, *, by: Principal, reason: str = ""
    ) -> Advisory:
        """Withdraw a published advisory: it is shown as withdrawn, and matches nothing. A repeat
        changes nothing.

        Administrators who do not own the organization give a `reason`. Raises `advisory-not-found`
        and `advisory-unpublished`.
        """
        access = await self._require_writing(org, by)
        advisory = await self.show(org, advisory_id, by=by)
        if advisory.state is AdvisoryState.DRAFT:
            raise Conflict(
                "advisory-unpublished",
                f"{advisory.id} is a draft, which nobody has seen. Delete it instead.",
            )
        what = f"the withdrawal of {advisory.id}"
        with about_field("reason"):
            reason = (
                reason_for_change(by, access, reason, what)
                if access
                else parse_required_reason(reason, what)
            )
        withdrawn = await self.advisories.withdraw(advisory.id, by, reason=reason)
        if access and advisory.withdrawn_ms is None:
            sentence = f"the advisory {advisory.id} is withdrawn"
            await self.decision_mail.send_if_from_outside(by, access, sentence, reason)
        return withdrawn

    async def discard(self, org: OrgName | None, advisory_id: str, *, by: Principal) -> None:
        """Delete a draft; raise `advisory-not-found` and `advisory-no-draft`."""
        await self._require_writing(org, by)
        advisory = await self.show(org, advisory_id, by=by)
        if advisory.state is not AdvisoryState.DRAFT:
            raise Conflict(
                "advisory-no-draft",
                f"{advisory.id} was published, so it is not deleted. Withdraw it instead.",
            )
        await self.advisories.withdraw(advisory.id, by)

    async def _body(
        self, org: OrgName | None, package: str, written: WrittenAdvisory
    ) -> AdvisoryBody:
        if written.is_malware and org is not None:
            message = "Only administrators of the registry call versions malicious. Report them."
            with about_field("malware"):
                raise InvalidRequest(message)
        survey = await self._survey(org, package)
        ecosystem = ballerina_ecosystem(self.base_url)
        return advisory_body(written, survey.head.package, _versions(survey), ecosystem)

    async def _survey(self, org: OrgName | None, text: str) -> Survey:
        """Return the package that a text names as `org/name`, or within an organization also by its
        name alone."""
        with about_field("package", NotFound):
            is_whole = "/" in text or org is None
            package = Package.from_text(text) if is_whole else Package.parse(str(org), text)
            if org is not None and package.org.lower() != org.lower():
                message = f"{package} is no package of {org}. Choose one of its packages."
                raise InvalidRequest(message)
            [survey] = await self.metadata.survey([package])
            if survey is None:
                raise PackageNotFound(package)
            return survey

    async def _require_malware(self, advisory: Advisory, by: Principal) -> None:
        """Raise unless `by` may quarantine releases, where an advisory does that."""
        if advisory.is_malware:
            await self.registry_authorization.require_moderator(
                by, "publish", f"malware as {advisory.id}"
            )

    async def _require_reading(self, org: OrgName | None, by: Principal) -> None:
        if org is None:
            await self.registry_authorization.require_auditor(by, "see", _OF_REGISTRY)
        else:
            await self.authorization.require_to_read(by, Action.MANAGE, org)

    async def _require_writing(self, org: OrgName | None, by: Principal) -> AccessContext | None:
        """Return the access to the organization, or None for the registry; raise unless `by` may
        write."""
        if org is None:
            await self.registry_authorization.require_fresh(by, "write", _OF_REGISTRY)
            return None
        access = await self.authorization.require_in_organization(by, Action.MANAGE, org)
        access.require_organization(org)
        return access


def _versions(survey: Survey) -> list[str]:
    """Return the versions that everybody may know who sees the package, newest first."""
    return [each.version for each in survey.entries if each.is_known]


def _with_body(advisory: Advisory, body: AdvisoryBody) -> Advisory:
    return replace(
        advisory,
        summary=body.summary,
        details=body.details,
        aliases=body.aliases,
        severity=body.severity,
        affected=body.affected,
        references=body.references,
        credits=body.credits,
        database_specific=body.database_specific,
    )


def _not_withdrawn(advisory: Advisory) -> Advisory:
    if advisory.withdrawn_ms is not None:
        raise advisory_withdrawn(advisory.id)
    return advisory
