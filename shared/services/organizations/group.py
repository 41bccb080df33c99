"""Creates the services of organizations, their members, invitations and names."""

from dataclasses import dataclass
from typing import Self

from shared.services.common import Common
from shared.services.identity.group import IdentityServices
from shared.services.limits.group import LimitServices
from shared.services.mirroring.group import MirroringServices
from shared.services.organizations.invitations import Invitations
from shared.services.organizations.memberships import Memberships, OrganizationMembers
from shared.services.organizations.organizations import (
    OrganizationCreators,
    OrganizationDeletion,
    Organizations,
)
from shared.services.organizations.reserved_names import ReservedNames


@dataclass(frozen=True)
class OrganizationServices:
    """Organizations, their members, and the names that they may have."""

    organizations: Organizations
    memberships: Memberships
    invitations: Invitations
    deletion: OrganizationDeletion
    reserved_names: ReservedNames

    @classmethod
    def build(
        cls,
        common: Common,
        limits: LimitServices,
        identity: IdentityServices,
        mirroring: MirroringServices | None,
    ) -> Self:
        adapters, settings = common.adapters, common.settings
        directory, clock, randomness = adapters.directory, adapters.clock, adapters.randomness
        members = OrganizationMembers(
            directory,
            common.record_writer,
            common.leases,
            identity.mail_delivery,
            settings.base_url,
        )
        return cls(
            memberships=Memberships(
                directory,
                common.authorization,
                common.record_writer,
                members,
                clock,
            ),
            organizations=Organizations(
                directory,
                common.authorization,
                common.record_writer,
                limits.rate_limiter,
                clock,
                randomness,
                OrganizationCreators(settings.founding),
                settings.reserved_patterns,
                mirroring.names if mirroring else None,
            ),
            invitations=Invitations(
                directory,
                adapters.work,
                common.authorization,
                common.record_writer,
                members,
                identity.mail_delivery,
                limits.rate_limiter,
                limits.read_only_mode,
                clock,
                randomness,
                settings.base_url,
                settings.invitation_mail_minutes,
            ),
            deletion=OrganizationDeletion(
                common.authorization, directory, adapters.metadata, members, common.record_writer
            ),
            reserved_names=ReservedNames(
                directory, common.administration, common.record_writer, settings.reserved_patterns
            ),
        )
