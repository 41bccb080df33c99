"""Publishing and withholding releases, and their provenance."""

from functools import cached_property, partial
from pathlib import Path

from shared.registry.group import ServiceGroup
from shared.services.provenance.attestations import ReleaseProvenance
from shared.services.provenance.provenance_notices import ProvenanceNotices
from shared.services.provenance.sigstore_bundles import SigstoreBundles
from shared.services.provenance.trusted_root_renewal import TrustedRootRenewal
from shared.services.provenance.trusted_roots import TrustedRoots
from shared.services.publishing.candidate_checks import CandidateChecks
from shared.services.publishing.dry_runs import DryRuns
from shared.services.publishing.erasure import ReleaseErasure
from shared.services.publishing.held_releases import HeldReleases
from shared.services.publishing.maven import MavenPackages, MavenPublishing
from shared.services.publishing.moderation import Moderation
from shared.services.publishing.new_release_mail import NewReleaseMail
from shared.services.publishing.own_releases import OwnReleases
from shared.services.publishing.package_holds import PackageHolds
from shared.services.publishing.proposals import Proposals
from shared.services.publishing.published_contents import PublishedContents
from shared.services.publishing.publishing import Publishing
from shared.services.publishing.publishing_rights import PublishingRights
from shared.services.publishing.publishing_rules import (
    DependencyCheck,
    LicenseRule,
    PublishingRules,
    QuotaRule,
    RegistryRuleReader,
    SecretRule,
    StagedReleaseRule,
    VersionNumberRule,
)
from shared.services.publishing.release_mail import PublishedMail, ReleaseMail
from shared.services.publishing.release_selection import ReleaseSelections
from shared.services.publishing.release_warnings import ReleaseWarnings
from shared.services.publishing.report_mail import ReportMail
from shared.services.publishing.report_weights import ReportWeights
from shared.services.publishing.reports import Reports
from shared.services.publishing.rule_changes import PublishingRuleChanges
from shared.services.publishing.scanner import Scanner, ScannerOptions
from shared.services.publishing.secret_scan import SecretScan
from shared.services.publishing.staged_releases import StagedReleases
from shared.services.report_records import ReportRecords
from shared.settings.values import secret_of, split_list
from shared.telemetry.metrics import PUSHES, record_metric


class PublishingServices(ServiceGroup, frozen=True):
    """The services that publish and withhold releases."""

    @cached_property
    def releases(self) -> Publishing:
        return Publishing(
            rights=self.rights,
            checks=self._parts.publishing.candidate_checks,
            organizations=self._registry.organizations.organizations,
            archive_reader=self._registry.packages.archive_reader,
            metadata=self._adapters.metadata,
            archives=self._adapters.archives,
            storing=self._parts.packages.release_storing,
            published_contents=self._parts.publishing.published_contents,
            sigstore_bundles=self._parts.publishing.sigstore_bundles,
            derived_data=self._registry.packages.derived_data,
            clock=self._adapters.clock,
            rules=self.rules,
            scanner=self._parts.publishing.scanner,
            trusted_publishers=self._registry.tokens.trusted_publishers,
            rate_limiter=self._registry.limits.rate_limiter,
            mail=self._parts.publishing.new_release_mail,
            api_docs=self._registry.api_docs.queue,
            base_url=self._settings.base_url,
            count_release=partial(record_metric, PUSHES, 1),
            readers=self._settings.readers,
        )

    @cached_property
    def rights(self) -> PublishingRights:
        return PublishingRights(
            authorization=self._registry.rights.authorization,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def dry_runs(self) -> DryRuns:
        return DryRuns(
            authorization=self._registry.rights.authorization,
            archive_reader=self._registry.packages.archive_reader,
            metadata=self._adapters.metadata,
            rights=self.rights,
            checks=self._parts.publishing.candidate_checks,
            published_contents=self._parts.publishing.published_contents,
            sigstore_bundles=self._parts.publishing.sigstore_bundles,
            rules=self.rules,
            scanner=self._parts.publishing.scanner,
            base_url=self._settings.base_url,
        )

    @cached_property
    def maven(self) -> MavenPublishing:
        return MavenPublishing(
            publishing=self.releases,
            rights=self.rights,
            metadata=self._adapters.metadata,
            documents=self._adapters.documents,
            removed_documents=self._parts.packages.removed_documents,
            sigstore_bundles=self._parts.publishing.sigstore_bundles,
            maven_packages=self.maven_packages,
        )

    @cached_property
    def maven_packages(self) -> MavenPackages:
        return MavenPackages(
            hosted=self._registry.packages.hosted,
            documents=self._adapters.documents,
            provenance=self.provenance,
            archives=self._adapters.archives,
            index=self._adapters.search,
            clock=self._adapters.clock,
        )

    @cached_property
    def moderation(self) -> Moderation:
        return Moderation(
            registry_authorization=self._registry.rights.registry_authorization,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            pulls=self._adapters.pulls,
            audit_log=self._registry.administration.audit_log,
            search=self._registry.packages.search,
            derived_data=self._registry.packages.derived_data,
            package_records=self._registry.packages.records,
            mail=self._parts.publishing.release_mail,
            clock=self._adapters.clock,
        )

    @cached_property
    def erasure(self) -> ReleaseErasure:
        return ReleaseErasure(
            moderation=self.moderation,
            erased_releases=self._parts.maintenance.erased_releases,
            report_records=self._parts.publishing.report_records,
            metadata=self._adapters.metadata,
            archives=self._adapters.archives,
            documents=self._adapters.documents,
            api_history=self._registry.api_docs.history,
            generation=self._registry.api_docs.generation,
            derived_data=self._registry.packages.derived_data,
            feed=self._adapters.feed,
            edge=self._adapters.edge,
            copies=self._adapters.copies,
            clock=self._adapters.clock,
            snapshot_days=self._settings.snapshot_days,
        )

    @cached_property
    def selections(self) -> ReleaseSelections:
        return ReleaseSelections(
            registry_authorization=self._registry.rights.registry_authorization,
            second_administrator=self._registry.administration.second_administrator,
            moderation=self.moderation,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            derived_data=self._registry.packages.derived_data,
            mail=self._parts.publishing.release_mail,
            clock=self._adapters.clock,
        )

    @cached_property
    def package_holds(self) -> PackageHolds:
        return PackageHolds(
            registry_authorization=self._registry.rights.registry_authorization,
            metadata=self._adapters.metadata,
            package_records=self._registry.packages.records,
            organizations=self._registry.organizations.organizations,
            clock=self._adapters.clock,
        )

    @cached_property
    def proposals(self) -> Proposals:
        return Proposals(
            registry_authorization=self._registry.rights.registry_authorization,
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            randomness=self._adapters.randomness,
            clock=self._adapters.clock,
            moderation=self.moderation,
            erasure=self.erasure,
            reserved_names=self._registry.organizations.reserved_names,
            account_erasures=self._registry.administration.account_erasures,
            name_disputes=self._registry.administration.name_disputes,
            ownership_requests=self._registry.organizations.ownership_requests,
            second_administrator=self._registry.administration.second_administrator,
        )

    @cached_property
    def held_releases(self) -> HeldReleases:
        return HeldReleases(
            authorization=self._registry.rights.authorization,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            package_records=self._registry.packages.records,
            decision_mail=self._parts.foundation.decision_mail,
            clock=self._adapters.clock,
        )

    @cached_property
    def own_releases(self) -> OwnReleases:
        return OwnReleases(
            authorization=self._registry.rights.authorization,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            pulls=self._adapters.pulls,
            search=self._registry.packages.search,
            package_records=self._registry.packages.records,
            erasure=self.erasure,
            second_administrator=self._registry.administration.second_administrator,
            clock=self._adapters.clock,
        )

    @cached_property
    def reports(self) -> Reports:
        return Reports(
            directory=self._adapters.directory,
            metadata=self._adapters.metadata,
            hosted=self._registry.packages.hosted,
            authorization=self._registry.rights.authorization,
            registry_authorization=self._registry.rights.registry_authorization,
            moderation=self.moderation,
            report_records=self._parts.publishing.report_records,
            weights=self._parts.publishing.report_weights,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            mail=self._parts.publishing.report_mail,
        )

    @cached_property
    def rules(self) -> PublishingRules:
        return PublishingRules(
            reader=self._parts.publishing.registry_rule_reader,
            rules=(
                LicenseRule(),
                SecretRule(scan=self._parts.publishing.secret_scan),
                self._parts.publishing.version_rule,
                self._parts.publishing.quota_rule,
                StagedReleaseRule(),
            ),
        )

    @cached_property
    def rule_changes(self) -> PublishingRuleChanges:
        return PublishingRuleChanges(
            authorization=self._registry.rights.authorization,
            registry_authorization=self._registry.rights.registry_authorization,
            rules=self.rules,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            usage_counts=self._parts.organizations.usage_counts,
            clock=self._adapters.clock,
        )

    @cached_property
    def staged_releases(self) -> StagedReleases:
        return StagedReleases(
            authorization=self._registry.rights.authorization,
            metadata=self._adapters.metadata,
            package_records=self._registry.packages.records,
            archive_files=self._registry.packages.archive_files,
            archive_delivery=self._registry.packages.archive_delivery,
            comparisons=self._registry.api_docs.comparisons,
            history=self._registry.api_docs.history,
            decision_mail=self._parts.foundation.decision_mail,
            mail=self._parts.publishing.release_mail,
            directory=self._adapters.directory,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def warnings(self) -> ReleaseWarnings:
        return ReleaseWarnings(
            authorization=self._registry.rights.authorization,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            rules=self.rules,
            history=self._registry.api_docs.history,
            mail=self._parts.publishing.release_mail,
            clock=self._adapters.clock,
        )

    @cached_property
    def trusted_root_renewal(self) -> TrustedRootRenewal:
        return TrustedRootRenewal(
            roots=self._parts.publishing.trusted_roots,
            directory=self._adapters.directory,
            confined=self._adapters.confined,
            fetcher=self._adapters.fetcher,
            clock=self._adapters.clock,
        )

    @cached_property
    def provenance(self) -> ReleaseProvenance:
        return ReleaseProvenance(documents=self._adapters.documents)


class PublishingParts(ServiceGroup, frozen=True):
    """Rules, scans and checks of releases, mail about them, and Sigstore."""

    @cached_property
    def candidate_checks(self) -> CandidateChecks:
        return CandidateChecks(
            authorization=self._registry.rights.authorization,
            rights=self._registry.publishing.rights,
            metadata=self._adapters.metadata,
            dependency_check=self.dependency_check,
            typosquats=self._parts.organizations.typosquats,
        )

    @cached_property
    def provenance_notices(self) -> ProvenanceNotices:
        return ProvenanceNotices(
            events=self._adapters.events,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            work=self._adapters.work,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def published_contents(self) -> PublishedContents:
        return PublishedContents(
            authorization=self._registry.rights.authorization,
            archives=self._adapters.archives,
            archive_reader=self._registry.packages.archive_reader,
            archive_files=self._registry.packages.archive_files,
            package_records=self._registry.packages.records,
        )

    @cached_property
    def dependency_check(self) -> DependencyCheck:
        return DependencyCheck(
            authorization=self._registry.rights.authorization,
            metadata=self._adapters.metadata,
            require_dependencies=self._settings.require_dependencies,
        )

    @cached_property
    def trusted_roots(self) -> TrustedRoots:
        return TrustedRoots(
            directory=self._adapters.directory,
            clock=self._adapters.clock,
            files=tuple(map(Path, split_list(self._settings.sigstore_roots))),
        )

    @cached_property
    def sigstore_bundles(self) -> SigstoreBundles:
        return SigstoreBundles(
            confined=self._adapters.confined,
            documents=self._adapters.documents,
            roots=self.trusted_roots,
            package_records=self._registry.packages.records,
            clock=self._adapters.clock,
        )

    @cached_property
    def registry_rule_reader(self) -> RegistryRuleReader:
        return self._close_at_end(
            RegistryRuleReader(
                directory=self._adapters.directory,
                clock=self._adapters.clock,
                edition=self._adapters.edition,
            )
        )

    @cached_property
    def quota_rule(self) -> QuotaRule:
        return QuotaRule(clock=self._adapters.clock)

    @cached_property
    def version_rule(self) -> VersionNumberRule:
        return VersionNumberRule(
            authorization=self._registry.rights.authorization,
            version_checks=self._parts.api_docs.version_checks,
        )

    @cached_property
    def scanner(self) -> Scanner:
        return Scanner(
            options=ScannerOptions(
                url=self._settings.scanner_url,
                secret=secret_of(self._settings.scanner_secret),
                without_answer=self._settings.scanner_without_answer,
            ),
            http=self._adapters.scanner,
            archives=self._adapters.archives,
            signer=self._parts.packages.archive_link_signer,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def secret_scan(self) -> SecretScan:
        return SecretScan(confined=self._adapters.confined)

    @cached_property
    def report_records(self) -> ReportRecords:
        return ReportRecords(directory=self._adapters.directory)

    @cached_property
    def report_weights(self) -> ReportWeights:
        return ReportWeights(
            report_records=self.report_records,
            moderation=self._registry.publishing.moderation,
            search=self._registry.packages.search,
            clock=self._adapters.clock,
            threshold=self._settings.reports_quarantine,
        )

    @cached_property
    def report_mail(self) -> ReportMail:
        return ReportMail(
            report_records=self.report_records,
            mail_delivery=self._parts.foundation.mail_delivery,
            work=self._adapters.work,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def release_mail(self) -> ReleaseMail:
        return ReleaseMail(
            directory=self._adapters.directory,
            mail_delivery=self._parts.foundation.mail_delivery,
            appeal=self._parts.foundation.appeal,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def published_mail(self) -> PublishedMail:
        return PublishedMail(
            directory=self._adapters.directory,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
            is_on=self._settings.release_mail,
        )

    @cached_property
    def new_release_mail(self) -> NewReleaseMail:
        return self._close_at_end(
            NewReleaseMail(
                events=self._adapters.events,
                metadata=self._adapters.metadata,
                work=self._adapters.work,
                mail=self.release_mail,
                published_mail=self.published_mail,
                typosquats=self._parts.organizations.typosquats,
                background_tasks=self._parts.foundation.background_tasks,
                clock=self._adapters.clock,
            )
        )
