"""Creates the services of administrators, the audit log and the state of the registry."""

from dataclasses import dataclass
from typing import Self

from shared.services.administration.account_deletion import AccountDeletion
from shared.services.administration.administration import (
    AccountAdministration,
    Administrators,
    OrganizationAdministration,
)
from shared.services.administration.audit_log import AuditLog
from shared.services.administration.status import RegistryStatus
from shared.services.common import Common
from shared.services.identity.group import IdentityServices
from shared.services.limits.group import LimitServices
from shared.services.maintenance.group import MaintenanceServices
from shared.services.organizations.group import OrganizationServices
from shared.services.packages.group import PackageServices
from shared.services.tokens.group import TokenServices


@dataclass(frozen=True)
class AdministrationServices:
    """The services of administrators, of the audit log, and of the deletion of accounts."""

    administrators: Administrators
    accounts: AccountAdministration
    organizations: OrganizationAdministration
    account_deletion: AccountDeletion
    audit_log: AuditLog
    status: RegistryStatus

    @classmethod
    def build(
        cls,
        common: Common,
        *,
        limits: LimitServices,
        packages: PackageServices,
        identity: IdentityServices,
        tokens: TokenServices,
        organizations: OrganizationServices,
        maintenance: MaintenanceServices,
    ) -> Self:
        adapters, settings = common.adapters, common.settings
        directory, clock = adapters.directory, adapters.clock
        audit_log = AuditLog(
            adapters.events, directory, common.authorization, common.administration
        )
        administrators = Administrators(
            directory,
            common.administration,
            common.leases,
            common.record_writer,
            identity.mail_delivery,
            settings.base_url,
        )
        return cls(
            administrators=administrators,
            accounts=AccountAdministration(
                directory,
                common.administration,
                administrators,
                identity.accounts,
                organizations.memberships,
                tokens.records,
                identity.sessions,
                audit_log,
                common.record_writer,
                identity.mail_delivery,
                settings.base_url,
            ),
            organizations=OrganizationAdministration(
                directory, common.administration, organizations.organizations
            ),
            account_deletion=AccountDeletion(
                directory,
                organizations.memberships,
                tokens.access_tokens,
                identity.sessions,
                identity.identities,
                audit_log,
                common.record_writer,
                clock,
            ),
            audit_log=audit_log,
            status=RegistryStatus(
                common.administration,
                maintenance.upkeep,
                maintenance.task_requests,
                limits.rate_limiter,
                adapters.metadata,
                directory,
                packages.last_counts,
                limits.notice_cache,
                adapters.room,
                clock,
            ),
        )
