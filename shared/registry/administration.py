"""What administrators do, the registry as a file, and provisioning by SCIM."""

from datetime import timedelta
from functools import cached_property

from shared.declarations.evidence_files import declared_files
from shared.domain.software_version import SOFTWARE_VERSION
from shared.domain.webhooks import ReceiverHosts
from shared.registry.group import ServiceGroup
from shared.registry.identity_providers import identity_issuers
from shared.registry.key_places import key_places
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.administration.account_administration import AccountAdministration
from shared.services.administration.account_deletion import AccountDeletion
from shared.services.administration.account_erasure import AccountErasures
from shared.services.administration.account_revocations import AccountRevocations
from shared.services.administration.account_rights import AccountRights
from shared.services.administration.administrators import Administrators
from shared.services.administration.audit_log import AuditLog
from shared.services.administration.auditors import Auditors
from shared.services.administration.directory_locks import DirectoryLocks
from shared.services.administration.evidence import Evidence
from shared.services.administration.group_roles import GroupRuleChanges, RolesByGroups
from shared.services.administration.key_ages import KeyAges
from shared.services.administration.leaving import Leaving
from shared.services.administration.maker_locks import MakerLocks
from shared.services.administration.name_disputes import NameDisputes
from shared.services.administration.organization_administration import OrganizationAdministration
from shared.services.administration.package_revocations import PackageRevocations
from shared.services.administration.policies import Policies
from shared.services.administration.reachability import Reachability
from shared.services.administration.record_revocations import RecordRevocations
from shared.services.administration.recovery_drills import RecoveryDrills
from shared.services.administration.revocations import RevocationApplication
from shared.services.administration.rights_export import RightsExport
from shared.services.administration.second_administrator import SecondAdministrator
from shared.services.administration.status import RegistryStatus
from shared.services.product_releases import ProductReleases
from shared.services.registry_files.member_sections import MemberSections
from shared.services.registry_files.organization_files import OrganizationFiles
from shared.services.registry_files.publisher_sections import PublisherSections
from shared.services.registry_files.registry_files import RegistryFiles
from shared.services.registry_files.registry_sections import RegistrySections
from shared.services.registry_files.rule_sections import RuleSections
from shared.services.registry_files.webhook_sections import WebhookSections
from shared.services.scim.groups import ScimGroups
from shared.services.scim.records import ScimRecords
from shared.services.scim.tokens import ScimTokens
from shared.services.scim.users import ScimUsers, Takeovers
from shared.settings.protections import protections_of


class AdministrationServices(ServiceGroup, frozen=True):
    """The services of administrators, of the audit log, and of the deletion of accounts."""

    @cached_property
    def administrators(self) -> Administrators:
        return Administrators(
            directory=self._adapters.directory,
            registry_authorization=self._registry.rights.registry_authorization,
            leases=self._parts.foundation.leases,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            mail_delivery=self._parts.foundation.mail_delivery,
            base_url=self._settings.base_url,
        )

    @cached_property
    def auditors(self) -> Auditors:
        return Auditors(
            administrators=self.administrators,
            clock=self._adapters.clock,
        )

    @cached_property
    def accounts(self) -> AccountAdministration:
        return AccountAdministration(
            directory=self._adapters.directory,
            registry_authorization=self._registry.rights.registry_authorization,
            administrators=self.administrators,
            accounts=self._registry.identity.accounts,
            memberships=self._registry.organizations.memberships,
            token_records=self._registry.tokens.records,
            sessions=self._registry.identity.sessions,
            audit_log=self.audit_log,
            made_by_accounts=self._registry.organizations.made_by_accounts,
            maker_locks=self._parts.administration.maker_locks,
            ownerless_organizations=self._registry.organizations.ownerless,
            audited_writer=self._parts.foundation.audited_writer,
            mail_delivery=self._parts.foundation.mail_delivery,
            decision_mail=self._parts.foundation.decision_mail,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def account_rights(self) -> AccountRights:
        return AccountRights(
            directory=self._adapters.directory,
            registry_authorization=self._registry.rights.registry_authorization,
            staff=self._parts.identity.staff,
            clock=self._adapters.clock,
        )

    @cached_property
    def rights_export(self) -> RightsExport:
        return RightsExport(
            directory=self._adapters.directory,
            registry_authorization=self._registry.rights.registry_authorization,
            account_rights=self.account_rights,
        )

    @cached_property
    def second_administrator(self) -> SecondAdministrator:
        return SecondAdministrator(
            is_required=self._settings.two_administrators,
            directory=self._adapters.directory,
            administrators=self.administrators,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def leaving(self) -> Leaving:
        return Leaving(
            directory=self._adapters.directory,
            events=self._adapters.events,
            registry_authorization=self._registry.rights.registry_authorization,
            administrators=self.administrators,
            auditors=self.auditors,
            accounts=self.accounts,
            made_by_accounts=self._registry.organizations.made_by_accounts,
            memberships=self._registry.organizations.memberships,
            clock=self._adapters.clock,
        )

    @cached_property
    def organizations(self) -> OrganizationAdministration:
        return OrganizationAdministration(
            directory=self._adapters.directory,
            registry_authorization=self._registry.rights.registry_authorization,
            organizations=self._registry.organizations.organizations,
            memberships=self._registry.organizations.memberships,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
        )

    @cached_property
    def account_deletion(self) -> AccountDeletion:
        return AccountDeletion(
            directory=self._adapters.directory,
            registry_authorization=self._registry.rights.registry_authorization,
            memberships=self._registry.organizations.memberships,
            token_records=self._registry.tokens.records,
            sessions=self._registry.identity.sessions,
            identities=self._registry.identity.identities,
            audit_log=self.audit_log,
            erasures=self.account_erasures,
            made_by_accounts=self._registry.organizations.made_by_accounts,
            maker_locks=self._parts.administration.maker_locks,
            audited_writer=self._parts.foundation.audited_writer,
            pull_records=self._adapters.pull_records,
            clock=self._adapters.clock,
        )

    @cached_property
    def account_erasures(self) -> AccountErasures:
        return AccountErasures(
            directory=self._adapters.directory,
            events=self._adapters.events,
            registry_authorization=self._registry.rights.registry_authorization,
            administrators=self.administrators,
            token_records=self._registry.tokens.records,
            sessions=self._registry.identity.sessions,
            made_by_accounts=self._registry.organizations.made_by_accounts,
            maker_locks=self._parts.administration.maker_locks,
            name_disputes=self.name_disputes,
            report_records=self._parts.publishing.report_records,
            ownerless_organizations=self._registry.organizations.ownerless,
            membership_records=self._parts.organizations.membership_records,
            retired_names=self._parts.identity.retired_names,
            account_mail=self._registry.identity.account_mail,
            pull_records=self._adapters.pull_records,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
        )

    @cached_property
    def audit_log(self) -> AuditLog:
        return AuditLog(
            events=self._adapters.events,
            directory=self._adapters.directory,
            authorization=self._registry.rights.authorization,
            registry_authorization=self._registry.rights.registry_authorization,
        )

    @cached_property
    def directory_locks(self) -> DirectoryLocks:
        return DirectoryLocks(
            directory=self._adapters.directory,
            registry_authorization=self._registry.rights.registry_authorization,
            administrators=self.administrators,
            accounts=self.accounts,
            account_records=self._registry.identity.accounts,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            leases=self._parts.foundation.leases,
            mail_delivery=self._parts.foundation.mail_delivery,
            entra=self._parts.identity.entra_provider,
            base_url=self._settings.base_url,
        )

    @cached_property
    def name_disputes(self) -> NameDisputes:
        return NameDisputes(
            directory=self._adapters.directory,
            metadata=self._adapters.metadata,
            authorization=self._registry.rights.authorization,
            registry_authorization=self._registry.rights.registry_authorization,
            administrators=self.administrators,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            mail_delivery=self._parts.foundation.mail_delivery,
            randomness=self._adapters.randomness,
            base_url=self._settings.base_url,
        )

    @cached_property
    def policies(self) -> Policies:
        return Policies(
            directory=self._adapters.directory,
            registry_authorization=self._registry.rights.registry_authorization,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
        )

    @cached_property
    def product_releases(self) -> ProductReleases:
        return ProductReleases(
            http=self._adapters.fetcher,
            work=self._adapters.work,
            clock=self._adapters.clock,
            feed=self._settings.releases_feed,
            running=SOFTWARE_VERSION,
        )

    @cached_property
    def status(self) -> RegistryStatus:
        return RegistryStatus(
            registry_authorization=self._registry.rights.registry_authorization,
            task_runner=self._registry.maintenance.task_runner,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            last_counts=self._parts.packages.last_registry_counts,
            notice_cache=self._registry.limits.notice_cache,
            directory_locks=self.directory_locks,
            ownerless_organizations=self._registry.organizations.ownerless,
            second_administrator=self.second_administrator,
            provisioning_problems=self._registry.scim.takeovers.problems,
            newer_releases=self.product_releases.newer,
            disk_space=self._adapters.disk_space,
            clock=self._adapters.clock,
        )

    @cached_property
    def reachability(self) -> Reachability:
        return Reachability(
            providers=self._parts.identity.identity_providers,
            jobs=self._parts.tokens.job_token_verifier,
            mailer=self._adapters.mailer,
            directory=self._adapters.directory,
            connect=self._adapters.connect,
            connect_scanner=self._adapters.connect_scanner,
            receiver_hosts=ReceiverHosts.parse(self._settings.webhook_hosts),
            scanner_url=self._settings.scanner_url,
        )

    @cached_property
    def key_ages(self) -> KeyAges:
        return KeyAges(
            keys=self._adapters.keys,
            release_signer=self._adapters.release_signer,
            log_keys=self._adapters.log_keys,
            witness_keys=self._adapters.witness_keys,
            webhooks_made_ms=self._registry.organizations.webhook_secrets.newest_made_ms,
            certificate_made_ms=self._adapters.certificate_made_ms,
            places=key_places(self._settings),
            clock=self._adapters.clock,
        )

    @cached_property
    def evidence(self) -> Evidence:
        return Evidence(
            key_ages=self.key_ages,
            rights_export=self.rights_export,
            release_signer=self._adapters.release_signer,
            last_drill=self.recovery_drills.last_drill,
            components=self._adapters.components,
            versions=self._adapters.versions,
            protections=tuple(protections_of(self._settings)),
            declared=declared_files,
            base_url=self._settings.base_url,
            clock=self._adapters.clock,
        )

    @cached_property
    def registry_files(self) -> RegistryFiles:
        return RegistryFiles(
            registry_authorization=self._registry.rights.registry_authorization,
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            leases=self._parts.foundation.leases,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
            organizations=self._parts.administration.organization_files,
            registry=RegistrySections(
                directory=self._adapters.directory,
                reserved_names=self._registry.organizations.reserved_names,
                rules=self._parts.administration.rule_sections,
                mirror_rules=self._registry.mirroring.rules if self._registry.mirroring else None,
            ),
        )

    @cached_property
    def revocations(self) -> RevocationApplication:
        return RevocationApplication(
            store=self._adapters.revocations,
            events=self._adapters.events,
            accounts=AccountRevocations(
                directory=self._adapters.directory,
                administrators=self.administrators,
                auditors=self.auditors,
                accounts=self.accounts,
                account_erasures=self.account_erasures,
                retired_names=self._parts.identity.retired_names,
            ),
            records=RecordRevocations(
                metadata=self._adapters.metadata,
                directory=self._adapters.directory,
                identities=self._registry.identity.identities,
                memberships=self._registry.organizations.memberships,
                audited_writer=self._parts.foundation.audited_writer,
            ),
            packages=PackageRevocations(
                metadata=self._adapters.metadata,
                directory=self._adapters.directory,
                archives=self._adapters.archives,
                freezes=self._registry.organizations.freezes,
                erased_releases=self._parts.maintenance.erased_releases,
                package_records=self._registry.packages.records,
                clock=self._adapters.clock,
            ),
        )

    @cached_property
    def recovery_drills(self) -> RecoveryDrills:
        return RecoveryDrills(work=self._adapters.work, clock=self._adapters.clock)

    @cached_property
    def group_rules(self) -> GroupRuleChanges:
        return GroupRuleChanges(
            directory=self._adapters.directory,
            registry_authorization=self._registry.rights.registry_authorization,
            roles_by_groups=self._parts.administration.roles_by_groups,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
        )


class ScimServices(ServiceGroup, frozen=True):
    """What directories provision by SCIM, and their tokens."""

    @cached_property
    def tokens(self) -> ScimTokens:
        return ScimTokens(
            directory=self._adapters.directory,
            makers=self._registry.tokens.makers,
            registry_authorization=self._registry.rights.registry_authorization,
            audited_writer=self._parts.foundation.audited_writer,
            leases=self._parts.foundation.leases,
            issuers=identity_issuers(self._settings),
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            environment=self._settings.environment,
        )

    @cached_property
    def records(self) -> ScimRecords:
        return ScimRecords(
            directory=self._adapters.directory, audited_writer=self._parts.foundation.audited_writer
        )

    @cached_property
    def users(self) -> ScimUsers:
        return ScimUsers(
            directory=self._adapters.directory,
            scim_records=self.records,
            identities=self._registry.identity.identities,
            directory_locks=self._registry.administration.directory_locks,
            roles_by_groups=self._parts.administration.roles_by_groups,
            read_only_mode=self._parts.foundation.read_only_mode,
            leases=self._parts.foundation.leases,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
        )

    @cached_property
    def groups(self) -> ScimGroups:
        return self._close_at_end(
            ScimGroups(
                directory=self._adapters.directory,
                scim_records=self.records,
                users=self.users,
                read_only_mode=self._parts.foundation.read_only_mode,
                leases=self._parts.foundation.leases,
                clock=self._adapters.clock,
                randomness=self._adapters.randomness,
                background_tasks=BackgroundTasks(),
            )
        )

    @cached_property
    def takeovers(self) -> Takeovers:
        return Takeovers(
            directory=self._adapters.directory,
            registry_authorization=self._registry.rights.registry_authorization,
            scim_records=self.records,
            users=self.users,
            tokens=self.tokens,
            audited_writer=self._parts.foundation.audited_writer,
            issuers=identity_issuers(self._settings),
        )


class AdministrationParts(ServiceGroup, frozen=True):
    """Roles by groups, and the sections of registry files."""

    @cached_property
    def member_sections(self) -> MemberSections:
        return MemberSections(
            directory=self._adapters.directory,
            memberships=self._registry.organizations.memberships,
            membership_records=self._parts.organizations.membership_records,
            clock=self._adapters.clock,
        )

    @cached_property
    def rule_sections(self) -> RuleSections:
        return RuleSections(changes=self._registry.publishing.rule_changes)

    @cached_property
    def organization_files(self) -> OrganizationFiles:
        return OrganizationFiles(
            directory=self._adapters.directory,
            organizations=self._registry.organizations.organizations,
            members=self.member_sections,
            publishers=PublisherSections(publishers=self._registry.tokens.trusted_publishers),
            webhooks=WebhookSections(webhooks=self._registry.organizations.webhooks),
            rules=self.rule_sections,
            group_rules=self._registry.administration.group_rules,
            clock=self._adapters.clock,
        )

    @cached_property
    def maker_locks(self) -> MakerLocks:
        return MakerLocks(
            directory=self._adapters.directory,
            made_by_accounts=self._registry.organizations.made_by_accounts,
            membership_records=self._parts.organizations.membership_records,
            maker_mail=self._parts.organizations.maker_mail,
        )

    @cached_property
    def roles_by_groups(self) -> RolesByGroups:
        return RolesByGroups(
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            administrators=self._registry.administration.administrators,
            directory_locks=self._registry.administration.directory_locks,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            providers=self._parts.identity.identity_providers,
            staff=self._parts.identity.staff,
            hold=timedelta(hours=self._settings.group_roles_hours),
            entra_groups=self._settings.entra_groups,
            entra_accounts=self._settings.entra_accounts,
            oidc_groups_claim=self._settings.oidc_groups_claim,
            base_url=self._settings.base_url,
        )
