"""The registry: its settings and adapters, and the services of each folder, created once."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.client_settings import TOKEN_PLACEHOLDER, Reading, client_settings
from shared.domain.errors.base import Invalid
from shared.domain.identity import Principal
from shared.domain.packages import Release
from shared.ports import Clock
from shared.services.administration.group import AdministrationServices
from shared.services.api_docs.group import ApiDocsServices
from shared.services.bundles.group import BundleServices
from shared.services.common import Adapters, Common
from shared.services.identity.group import IdentityServices
from shared.services.limits.group import LimitServices
from shared.services.maintenance.group import MaintenanceServices
from shared.services.mirroring.group import MirroringServices
from shared.services.organizations.group import OrganizationServices
from shared.services.packages.group import PackageServices
from shared.services.packages.source import PackageSource
from shared.services.publishing.group import PublishingServices
from shared.services.tokens.group import TokenServices
from shared.settings import Settings
from shared.telemetry import recording
from shared.telemetry.metrics import PUSHES


@dataclass(frozen=True)
class Registry:
    """The services that faces and commands use: a group for each folder of `shared/services/`."""

    settings: Settings
    adapters: Adapters
    clock: Clock
    common: Common
    limits: LimitServices
    packages: PackageServices
    identity: IdentityServices
    tokens: TokenServices
    organizations: OrganizationServices
    api_docs: ApiDocsServices
    maintenance: MaintenanceServices
    administration: AdministrationServices
    publishing: PublishingServices
    mirroring: MirroringServices | None  # None without an upstream.
    bundles: BundleServices

    def client_settings(self, username: str, token: str = TOKEN_PLACEHOLDER) -> str:
        """Return the Settings.toml of a user: with an upstream this registry has every package."""
        reading = Reading.EVERYTHING if self.mirroring else Reading.NAMED
        return client_settings(self.settings.base_url, username, token, reading)

    def package_source(self, by: Principal, via: Callable[[], str] = lambda: "") -> PackageSource:
        """Return packages as a caller finds them; `via` is the header of the request."""
        return self.mirroring.source(by, via) if self.mirroring else self.packages.hosted

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

    async def require_writable(self) -> None:
        """Raise if the disk that holds the data is full."""
        if self.adapters.writable is not None:
            await self.adapters.writable()

    async def close(self) -> None:
        """Close the services, the last created first, and then the adapters."""
        await self.common.closing.aclose()


def create_registry(settings: Settings, adapters: Adapters) -> Registry:
    """Create all services. A group is built from settings, adapters and the groups before it."""
    common = Common.build(settings, adapters)
    limits = LimitServices.build(common)
    packages = PackageServices.build(common, limits)
    mirroring = MirroringServices.build(common, limits, packages)
    identity = IdentityServices.build(common, limits)
    tokens = TokenServices.build(common, limits, packages, identity)
    organizations = OrganizationServices.build(common, limits, identity, mirroring)
    api_docs = ApiDocsServices.build(common, packages)
    maintenance = MaintenanceServices.build(
        common,
        limits=limits,
        packages=packages,
        identity=identity,
        organizations=organizations,
        api_docs=api_docs,
        mirroring=mirroring,
    )
    administration = AdministrationServices.build(
        common,
        limits=limits,
        packages=packages,
        identity=identity,
        tokens=tokens,
        organizations=organizations,
        maintenance=maintenance,
    )
    publishing = PublishingServices.build(
        common,
        on_new_release=_count_push,
        limits=limits,
        packages=packages,
        identity=identity,
        tokens=tokens,
        organizations=organizations,
        api_docs=api_docs,
        administration=administration,
    )
    return Registry(
        settings=settings,
        adapters=adapters,
        clock=adapters.clock,
        common=common,
        limits=limits,
        packages=packages,
        identity=identity,
        tokens=tokens,
        organizations=organizations,
        api_docs=api_docs,
        maintenance=maintenance,
        administration=administration,
        publishing=publishing,
        mirroring=mirroring,
        bundles=BundleServices.build(common, packages),
    )


def _count_push(release: Release) -> None:
    recording.record_metric(PUSHES, 1, {"state": release.state.value})
