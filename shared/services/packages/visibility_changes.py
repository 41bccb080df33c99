"""The visibility of packages, and who may change it."""

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.coordinates import Package
from shared.domain.errors.base import Conflict
from shared.domain.packages import Head
from shared.domain.principals import Principal
from shared.domain.reasons import reason_for_change
from shared.domain.releases import with_change
from shared.domain.scopes import Action
from shared.domain.visibility import Visibility
from shared.ports.system import Clock
from shared.services.identity.mail import DecisionMail
from shared.services.packages.package_records import PackageRecordWriter


class PackageVisibility(Struct, frozen=True):
    """Makes packages public, internal, or private to the members of their organization."""

    authorization: Authorization
    package_records: PackageRecordWriter
    decision_mail: DecisionMail
    clock: Clock

    async def change(
        self, package: Package, wanted: Visibility, *, by: Principal, reason: str = ""
    ) -> Head:
        """Change who may see the package, in search and index too; a repeat changes nothing.

        Only an owner who signed in recently may do this. Administrators who do not own the
        organization give a `reason` if fewer people may see the package afterwards. Raises
        `PackageNotFound`, and `visibility-of-upstream` for a package that an upstream makes
        internal or could.
        """
        access = await self.authorization.require_in_organization(by, Action.GOVERN, package)
        stated_reason = ""

        def decide(head: Head) -> Head:
            nonlocal stated_reason
            if head.upstream and Visibility.INTERNAL in (head.visibility, wanted):
                raise Conflict(
                    "visibility-of-upstream",
                    f"The upstream registry {head.upstream} decides whether {head.package} is "
                    "public or internal, so this is not changed here. It is internal while "
                    f"{head.upstream} gives it for its token alone.",
                )
            if head.visibility is wanted:
                return head
            if wanted.is_narrower_than(head.visibility):
                stated_reason = reason_for_change(
                    by, access, reason, f"making {package} {wanted.value}"
                )
            kind = f"package.{wanted.value}"
            now_ms = self.clock.now_ms()
            return with_change(
                head, kind, by=by, now_ms=now_ms, reason=stated_reason, visibility=wanted
            )

        head = await self.package_records.change_package(package, decide)
        if stated_reason:
            what = f"{package} is {wanted.value}"
            await self.decision_mail.send_if_from_outside(by, access, what, stated_reason)
        return head
