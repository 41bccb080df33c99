"""Creates the services that publish and withhold releases."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from shared.domain.packages import Release
from shared.services.administration.group import AdministrationServices
from shared.services.api_docs.group import ApiDocsServices
from shared.services.common import Common
from shared.services.identity.group import IdentityServices
from shared.services.limits.group import LimitServices
from shared.services.organizations.group import OrganizationServices
from shared.services.packages.group import PackageServices
from shared.services.publishing.held_releases import HeldReleases
from shared.services.publishing.maven import MavenPackages, MavenPublishing
from shared.services.publishing.moderation import Moderation
from shared.services.publishing.publishing import DependencyCheck, Publishing
from shared.services.tokens.group import TokenServices


@dataclass(frozen=True)
class PublishingServices:
    """The services that publish and withhold releases."""

    releases: Publishing
    maven: MavenPublishing
    maven_packages: MavenPackages
    moderation: Moderation
    held_releases: HeldReleases

    @classmethod
    def build(
        cls,
        common: Common,
        *,
        on_new_release: Callable[[Release], None],
        limits: LimitServices,
        packages: PackageServices,
        identity: IdentityServices,
        tokens: TokenServices,
        organizations: OrganizationServices,
        api_docs: ApiDocsServices,
        administration: AdministrationServices,
    ) -> Self:
        """Create the services; `on_new_release` is called with each release that was pushed."""
        adapters, settings = common.adapters, common.settings
        metadata, documents, clock = adapters.metadata, adapters.documents, adapters.clock
        releases = Publishing(
            common.authorization,
            organizations.organizations,
            packages.archive_reader,
            metadata,
            documents,
            adapters.archives,
            packages.derived_data,
            clock,
            DependencyCheck(common.authorization, metadata, settings.require_dependencies),
            tokens.trusted_publishers,
            limits.rate_limiter,
            identity.release_mail,
            api_docs.queue,
            settings.base_url,
            on_new_release,
        )
        maven_packages = MavenPackages(
            packages.hosted, documents, adapters.archives, adapters.search, clock
        )
        return cls(
            releases=releases,
            maven=MavenPublishing(releases, metadata, documents, maven_packages),
            maven_packages=maven_packages,
            moderation=Moderation(
                common.administration,
                metadata,
                adapters.directory,
                adapters.pulls,
                administration.audit_log,
                packages.search,
                packages.derived_data,
                packages.record_writer,
                identity.release_mail,
                clock,
            ),
            held_releases=HeldReleases(
                common.authorization, metadata, adapters.directory, packages.record_writer, clock
            ),
        )
