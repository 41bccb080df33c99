"""The registry: its settings, its adapters, and the services that faces and commands use.

A module has one subject. Its class `...Services` has the services that faces and commands may use,
and its class `...Parts` those that only other services use:

foundation.py          rights, records, limits, leases and mail, which services of all subjects use
packages.py            reading, pulling and following packages, and what is derived from them
mirroring.py           packages of upstreams, which packages are approved, and bundles
advisories.py          advisories, and the packages that they affect
api_docs.py            API documentation, bills of materials, and the quality of packages
publishing.py          publishing and withholding releases, and their provenance
identity.py            accounts, identities, sign-in and sessions
tokens.py              access tokens, and trusted publishing
organizations.py       organizations, their members and names, and webhooks
administration.py      what administrators do, the registry as a file, and provisioning by SCIM
transparency.py        the transparency log, and the witness of other logs
maintenance.py         maintenance tasks, snapshots and recovery
identity_providers.py  the identity providers that the settings describe
key_places.py          where each key lies, and how the next one is made
group.py               what all groups share: how services are created and closed

A group reads its own services from `self`, those of other groups from `self._registry`, and parts
from `self._parts`.
"""

from contextlib import AsyncExitStack
from typing import Final

from shared.auth.release_keys import ReleaseKey
from shared.domain.client_settings import TOKEN_PLACEHOLDER, Reading, client_settings
from shared.domain.errors.base import Invalid
from shared.registry.administration import AdministrationParts, AdministrationServices, ScimServices
from shared.registry.advisories import AdvisoryParts, AdvisoryServices
from shared.registry.api_docs import ApiDocsParts, ApiDocsServices, QualityServices
from shared.registry.foundation import FoundationParts, LimitServices, RightsServices
from shared.registry.group import ServiceGroup, create_services
from shared.registry.identity import IdentityParts, IdentityServices
from shared.registry.maintenance import MaintenanceParts, MaintenanceServices
from shared.registry.mirroring import (
    ApprovalServices,
    BundleServices,
    MirroringParts,
    MirroringServices,
)
from shared.registry.organizations import OrganizationParts, OrganizationServices
from shared.registry.packages import PackageParts, PackageServices
from shared.registry.publishing import PublishingParts, PublishingServices
from shared.registry.tokens import TokenParts, TokenServices
from shared.registry.transparency import TransparencyParts, TransparencyServices
from shared.services.adapters import Adapters
from shared.settings import Settings


class Registry:
    """The services that faces and commands use: a group for each of their subjects.

    All of them are created at the start, so that a mistake in a setting ends the start, and not the
    first request that needs the service. Services that only other services use are in `Parts`, such
    as those whose callers check the rights.
    """

    def __init__(self, settings: Settings, adapters: Adapters) -> None:
        self.settings: Final = settings
        self.clock: Final = adapters.clock
        self.edition: Final = adapters.edition
        # Closes services, the last created first, and then the adapters.
        self.closing: Final = AsyncExitStack()
        self.closing.push_async_callback(adapters.close)
        parts = Parts(self)
        self.adapters: Final = adapters
        self.rights: Final = RightsServices(self, parts)
        self.limits: Final = LimitServices(self, parts)
        self.packages: Final = PackageServices(self, parts)
        self.identity: Final = IdentityServices(self, parts)
        self.tokens: Final = TokenServices(self, parts)
        self.organizations: Final = OrganizationServices(self, parts)
        self.api_docs: Final = ApiDocsServices(self, parts)
        self.maintenance: Final = MaintenanceServices(self, parts)
        self.administration: Final = AdministrationServices(self, parts)
        self.scim: Final = ScimServices(self, parts)
        self.publishing: Final = PublishingServices(self, parts)
        self.approvals: Final = ApprovalServices(self, parts)
        self.mirroring: Final = (  # None without an upstream.
            MirroringServices(self, parts) if parts.mirroring.upstreams is not None else None
        )
        self.bundles: Final = BundleServices(self, parts)
        self.advisories: Final = AdvisoryServices(self, parts)
        self.quality: Final = QualityServices(self, parts)
        self.transparency: Final = TransparencyServices(self, parts)
        for each in vars(self).values():
            if isinstance(each, ServiceGroup):
                create_services(each)

    def client_settings(self, username: str, token: str = TOKEN_PLACEHOLDER) -> str:
        """Return the Settings.toml of a user: with an upstream this registry has every package."""
        reading = Reading.EVERYTHING if self.mirroring else Reading.NAMED
        return client_settings(self.settings.base_url, username, token, reading)

    def require_mirroring(self) -> MirroringServices:
        """Return the services of the mirror, or raise `nothing-mirrored`."""
        if self.mirroring is None:
            raise Invalid(
                "nothing-mirrored",
                "No registry is mirrored: BALLROOM_UPSTREAM is empty. Set it to central or to the "
                "address of another registry, and restart this one.",
            )
        return self.mirroring

    async def probe(self) -> None:
        """Raise unless the stores answer and there is a key to sign with."""
        await self.adapters.metadata.packages("", 1)
        await self.adapters.keys.ready()

    async def release_keys(self) -> tuple[ReleaseKey, ...]:
        """Return the keys that sign releases and those that did, newest first; raise
        `SigningKeyUnavailable`."""
        return await self.adapters.release_signer.keys()

    async def require_writable(self) -> None:
        """Raise if the disk that holds the data is full."""
        if self.adapters.require_disk_space is not None:
            await self.adapters.require_disk_space()

    async def close(self) -> None:
        """Close the services, the last created first, and then the adapters."""
        await self.closing.aclose()


class Parts:
    """The services that only other services use. Faces and commands cannot reach them."""

    def __init__(self, registry: Registry) -> None:
        self.foundation: Final = FoundationParts(registry, self)
        self.packages: Final = PackageParts(registry, self)
        self.mirroring: Final = MirroringParts(registry, self)
        self.advisories: Final = AdvisoryParts(registry, self)
        self.api_docs: Final = ApiDocsParts(registry, self)
        self.publishing: Final = PublishingParts(registry, self)
        self.identity: Final = IdentityParts(registry, self)
        self.tokens: Final = TokenParts(registry, self)
        self.organizations: Final = OrganizationParts(registry, self)
        self.administration: Final = AdministrationParts(registry, self)
        self.transparency: Final = TransparencyParts(registry, self)
        self.maintenance: Final = MaintenanceParts(registry, self)
