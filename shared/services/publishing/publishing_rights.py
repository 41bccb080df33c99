"""Who may publish: somewhere at all, in a package, and a version of it."""

from datetime import timedelta

from msgspec import Struct, field

from shared.auth.authorization import Authorization
from shared.domain.access_rights import AccessContext
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import Forbidden
from shared.domain.errors.identity import NotPermitted, TokenUnknown
from shared.domain.packages import Head, RequiredProvenance
from shared.domain.principals import Principal
from shared.domain.scopes import PUBLISHING_SCOPES, Action
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.runtime.lru_cache import LruCache
from shared.services.tokens.trusted_publishers import check_pusher, check_tag

# How long the registry remembers that a credential may publish some package.
PUBLISHER_CACHED_FOR = timedelta(minutes=10)
MAX_PUBLISHERS_CACHED = 1_000  # Credentials.


class PublishingRights(Struct, frozen=True):
    """Checks the rights to publish, which pushes, dry runs and files beside an archive need."""

    authorization: Authorization
    clock: Clock
    base_url: str
    _may_publish: LruCache[str, int] = field(
        default_factory=lambda: LruCache[str, int](MAX_PUBLISHERS_CACHED)
    )

    async def may_publish(self, by: Principal) -> bool:
        """Check whether `by` may publish in some organization; a push that follows does not ask a
        store again.

        A host asks this before it reads a body; it grants no right.
        """
        if not any(grant.scopes & PUBLISHING_SCOPES for grant in by.grants):
            return False
        try:
            await self.require_somewhere(by)
        except (NotPermitted, TokenUnknown):
            return False
        return True

    async def require_somewhere(self, by: Principal, claimed: Package | None = None) -> None:
        """Raise unless `by` may publish somewhere; `claimed` only names what is refused.

        The answer may be minutes old, because the right to the package is checked in any case.
        """
        now_ms = self.clock.now_ms()
        key = f"{by.id} {by.credential}"
        until_ms = self._may_publish.get(key)
        if until_ms is None or until_ms < now_ms:
            await self.authorization.require_publisher(by, claimed)
            self._may_publish.put(key, now_ms + PUBLISHER_CACHED_FOR // MS)

    async def require_for_package(
        self, package: Package, head: Head | None, by: Principal
    ) -> AccessContext:
        """Return the access by which `by` may publish the package, or raise the refusal."""
        action = Action.PUSH_VERSION if head else Action.PUSH_NEW
        access = await self.authorization.require(by, action, package)
        if head:
            check_pusher(head, by)
        return access

    def require_for_version(
        self, coordinate: Coordinate, access: AccessContext, by: Principal
    ) -> None:
        """Raise `version-not-tagged` or `provenance-required` for a credential that may publish
        other versions of its package, or none since the organization requires a job."""
        check_tag(coordinate, by)
        self.require_provenance(coordinate, access, by)

    def require_provenance(
        self, coordinate: Coordinate, access: AccessContext, by: Principal
    ) -> None:
        """Raise `provenance-required` for a stored token, where the organization takes releases
        only from trusted publishers. That a Sigstore bundle comes with it is decided later: beside
        a Maven artifact it may come after the archive."""
        organization = access.organization
        if organization is None or by.provenance is not None:
            return
        if organization.requires_provenance is not RequiredProvenance.NOTHING:
            org = coordinate.package.org
            raise Forbidden(
                "provenance-required",
                f"{org} requires that CI publishes its releases, so no stored token can push "
                f"{coordinate}. Publish from the workflow of a trusted publisher, or ask "
                f"an owner to change what {org} requires at "
                f"{self.base_url}/account/organizations/{org}/settings#provenance",
            )
