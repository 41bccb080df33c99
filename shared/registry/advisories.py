"""Advisories, and the packages that they affect."""

from functools import cached_property

from shared.domain.advisories.advisories import ballerina_ecosystem
from shared.registry.group import ServiceGroup
from shared.services.advisories.advisories import Advisories
from shared.services.advisories.advisory_export import AdvisoryExport
from shared.services.advisories.advisory_import import AdvisoryImport
from shared.services.advisories.advisory_index import AdvisoryIndex
from shared.services.advisories.advisory_mail import AdvisoryMail
from shared.services.advisories.advisory_notices import AdvisoryNotices
from shared.services.advisories.advisory_texts import AdvisoryTexts
from shared.services.advisories.advisory_updates import AdvisoryUpdates
from shared.services.advisories.affected_packages import AffectedPackages
from shared.services.advisories.affected_versions import AffectedVersions
from shared.services.advisories.assessments import Assessments
from shared.services.advisories.authoring import AdvisoryAuthoring
from shared.services.advisories.malicious_libraries import MaliciousLibraries
from shared.services.advisories.malware import MalwareQuarantine
from shared.services.advisories.set_files import AdvisorySetFiles


class AdvisoryServices(ServiceGroup, frozen=True):
    """Advisories, what they match, and what people write of both."""

    @cached_property
    def advisories(self) -> Advisories:
        return Advisories(
            index=self._parts.advisories.advisory_index,
            directory=self._adapters.directory,
            documents=self._adapters.documents,
            sboms=self._registry.api_docs.sboms,
            hosted=self._registry.packages.hosted,
            authorization=self._registry.rights.authorization,
            registry_authorization=self._registry.rights.registry_authorization,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            ecosystem=ballerina_ecosystem(self._settings.base_url),
        )

    @cached_property
    def affected_versions(self) -> AffectedVersions:
        return AffectedVersions(
            index=self._parts.advisories.advisory_index,
            hosted=self._registry.packages.hosted,
            ecosystem=ballerina_ecosystem(self._settings.base_url),
        )

    @cached_property
    def importing(self) -> AdvisoryImport:
        return AdvisoryImport(
            index=self._parts.advisories.advisory_index,
            directory=self._adapters.directory,
            files=self._adapters.advisory_files,
            set_files=self._parts.advisories.set_files,
            confined=self._adapters.confined,
            registry_authorization=self._registry.rights.registry_authorization,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            ecosystem=ballerina_ecosystem(self._settings.base_url),
        )

    @cached_property
    def exporting(self) -> AdvisoryExport:
        return AdvisoryExport(advisories=self.advisories)

    @cached_property
    def authoring(self) -> AdvisoryAuthoring:
        return AdvisoryAuthoring(
            authorization=self._registry.rights.authorization,
            registry_authorization=self._registry.rights.registry_authorization,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            advisories=self.advisories,
            malware=self.malware,
            decision_mail=self._parts.foundation.decision_mail,
            base_url=self._settings.base_url,
        )

    @cached_property
    def assessments(self) -> Assessments:
        return Assessments(
            authorization=self._registry.rights.authorization,
            hosted=self._registry.packages.hosted,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            advisories=self.advisories,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def texts(self) -> AdvisoryTexts:
        return AdvisoryTexts(
            documents=self._adapters.documents,
            confined=self._adapters.confined,
            jobs=self._registry.api_docs.on_demand_jobs,
        )

    @cached_property
    def affected_packages(self) -> AffectedPackages:
        return AffectedPackages(
            authorization=self._registry.rights.authorization,
            metadata=self._adapters.metadata,
            advisories=self.advisories,
        )

    @cached_property
    def notices(self) -> AdvisoryNotices:
        return AdvisoryNotices(
            affected=self.affected_packages,
            directory=self._adapters.directory,
            event_appender=self._parts.foundation.event_appender,
            mail=self._parts.advisories.advisory_mail,
            work=self._adapters.work,
            clock=self._adapters.clock,
        )

    @cached_property
    def malware(self) -> MalwareQuarantine:
        return MalwareQuarantine(
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            moderation=self._registry.publishing.moderation,
            mail=self._parts.advisories.advisory_mail,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
            is_on=self._settings.malware_quarantine,
        )

    @cached_property
    def updates(self) -> AdvisoryUpdates:
        return AdvisoryUpdates(
            importing=self.importing,
            dumps=self._adapters.advisory_dumps,
            directory=self._adapters.directory,
            clock=self._adapters.clock,
            sources=self._settings.advisory_sources,
        )


class AdvisoryParts(ServiceGroup, frozen=True):
    """The index of advisories, and mail about them."""

    @cached_property
    def advisory_index(self) -> AdvisoryIndex:
        return self._close_at_end(
            AdvisoryIndex(
                directory=self._adapters.directory,
                files=self._adapters.advisory_files,
                clock=self._adapters.clock,
                randomness=self._adapters.randomness,
                edition=self._adapters.edition,
            )
        )

    @cached_property
    def set_files(self) -> AdvisorySetFiles:
        return AdvisorySetFiles(
            files=self._adapters.advisory_files,
            directory=self._adapters.directory,
            work=self._adapters.work,
            clock=self._adapters.clock,
        )

    @cached_property
    def advisory_mail(self) -> AdvisoryMail:
        return AdvisoryMail(
            directory=self._adapters.directory,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def malicious_libraries(self) -> MaliciousLibraries:
        return MaliciousLibraries(
            advisories=self._registry.advisories.advisories,
            malware=self._registry.advisories.malware,
            metadata=self._adapters.metadata,
            sboms=self._registry.api_docs.sboms,
            events=self._adapters.events,
            work=self._adapters.work,
            clock=self._adapters.clock,
        )
