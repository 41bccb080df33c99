"""Successors: the package that replaces another one. Owners set the successor, and readers who may
see it are told its name. The versions of the old package stay, and can be pulled as before.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.domain.coordinates import Package
from shared.domain.errors.base import Conflict, NotFound, about_field
from shared.domain.packages import Head, Survey
from shared.domain.principals import Principal
from shared.domain.queued_mail import Audience, Recipients
from shared.domain.reasons import acts_from_outside, reason_for_change
from shared.domain.releases import with_change
from shared.domain.scopes import Action
from shared.ports.metadata import MetadataStore, ReadCheck
from shared.ports.system import Clock
from shared.runtime.answer_dependencies import NOTHING_STORED, Dependencies
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.package_records import PackageRecordWriter

MAX_SUCCESSION = 10  # Packages of a chain of successors that are read to find a circle.


class SeenSuccessor(Struct, frozen=True):
    """The successor that a caller may see, or None, and the records on which that depends."""

    package: Package | None
    depends_on: Dependencies


class Successors(Struct, frozen=True):
    """Sets the successors of packages, and names them to those who may see them."""

    authorization: Authorization
    hosted: HostedPackages
    metadata: MetadataStore
    package_records: PackageRecordWriter
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def named(self, head: Head, *, by: Principal) -> Package | None:
        """Return the successor of a package, if `by` may see it and it has a live release; asks no
        store for a package without one."""
        return (await self.seen(head, by=by)).package

    async def seen(self, head: Head, *, by: Principal) -> SeenSuccessor:
        """Return the successor as `named` does, and on what that depends."""
        successor = head.replaced_by
        if successor is None:
            return SeenSuccessor(None, NOTHING_STORED)
        check = self.authorization.read_check(by)
        named = await self._named_of([head], check)
        depends_on = Dependencies(frozenset((successor.key,)), check.readers)
        return SeenSuccessor(named.get(head.key), depends_on)

    async def named_of(self, heads: Sequence[Head], *, by: Principal) -> dict[str, Package]:
        """Return the successors of packages that `by` may see, by the keys of the packages. One
        trip, and none if no package has one."""
        return await self._named_of(heads, self.authorization.read_check(by))

    async def _named_of(self, heads: Sequence[Head], check: ReadCheck) -> dict[str, Package]:
        wanted = {head.key: head.replaced_by for head in heads}
        successors = {each.key: each for each in wanted.values() if each}
        if not successors:
            return {}
        visible = await self.hosted.visible_by(check, list(successors.values()))
        live = {key: survey.head.package for key, survey in visible.items() if survey.live}
        return {key: live[each.key] for key, each in wanted.items() if each and each.key in live}

    async def as_seen(self, survey: Survey, *, by: Principal) -> tuple[Survey, Dependencies]:
        """Return the package, without its successor if `by` may not see the successor, and the
        records on which that depends."""
        seen = await self.seen(survey.head, by=by)
        if not survey.head.successor:
            return survey, seen.depends_on
        shown = survey.head.model_copy(update={"successor": str(seen.package or "")})
        return replace(survey, head=shown), seen.depends_on

    async def of_owner(self, package: Package, *, by: Principal) -> Package | None:
        """Return the successor that is set, to owners. Raises `organization-not-found`, or
        `PackageNotFound` as a change does."""
        await self.authorization.require_in_organization(by, Action.MANAGE, package)
        head = await self.metadata.head(package)
        return head.replaced_by if head else None

    async def change(
        self, package: Package, successor: Package | None, reason: str = "", *, by: Principal
    ) -> Head:
        """Set the successor, or remove it with None; a repeat changes nothing.

        The operator, and administrators for organizations of others, have to give a reason, which
        the owners get by mail. Raises `PackageNotFound`, `successor-not-found` for one that `by`
        may not see, and `successor-circular`.
        """
        access = await self.authorization.require_in_organization(by, Action.MANAGE, package)
        with about_field("reason"):
            what = f"the successor of {package}"
            reason = reason_for_change(by, access, reason, what)
        wanted = ""
        if successor is not None:
            with about_field("successor", NotFound, Conflict):
                wanted = str(await self._visible(package, successor, by))
                await self._require_no_circle(package, successor)

        is_changed = False

        def decide(head: Head) -> Head:
            nonlocal is_changed
            is_changed = head.successor != wanted
            if not is_changed:
                return head
            kind = "package.successor-changed"
            now_ms = self.clock.now_ms()
            changed = with_change(head, kind, by=by, now_ms=now_ms, successor=wanted)
            if not reason:
                return changed
            *before, event = changed.outbox
            details = {**event.details, "reason": reason}
            with_details = event.model_copy(update={"details": details})
            return changed.model_copy(update={"outbox": (*before, with_details)})

        changed = await self.package_records.change_package(package, decide)
        if is_changed and acts_from_outside(by, access):
            await self._send_to_owners(changed, reason)
        return changed

    async def _visible(self, package: Package, successor: Package, by: Principal) -> Package:
        """Return the successor in the spelling of its first push."""
        check = self.authorization.read_check(by)
        [survey] = await self.metadata.survey([successor], check=check)
        if survey is None or not survey.live:
            raise NotFound(
                "successor-not-found",
                f"There is no package {successor} with a live version that you may see, so it "
                f"cannot replace {package}. Publish it first, or correct its name.",
            )
        return survey.head.package

    async def _require_no_circle(self, package: Package, successor: Package) -> None:
        following: Package | None = successor
        for _ in range(MAX_SUCCESSION):
            if following is None:
                return
            if following.key == package.key:
                break
            head = await self.metadata.head(following)
            following = head.replaced_by if head else None
        raise Conflict(
            "successor-circular",
            f"{successor} leads back to {package}, or to too many packages, so it cannot replace "
            f"it. Name the package that people should use in the end.",
        )

    async def _send_to_owners(self, head: Head, reason: str) -> None:
        page = f"{self.base_url}/account/organizations/{head.org}/packages/{head.name}"
        mail = mail_text(
            "package-successor",
            package=str(head.package),
            successor=head.successor or "no package",
            reason=reason,
            page=page,
        )
        await self.mail_delivery.send_to(Recipients(audience=Audience.OWNERS, org=head.org), mail)
