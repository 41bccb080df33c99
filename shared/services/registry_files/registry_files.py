"""Applies registry files, and writes the file of what is there.

A file is planned as a whole before its first change, under a lease: two at once run one after the
other. Each change may be repeated, so one that was stopped in the middle is applied again.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.errors.base import Refusal, Unavailable
from shared.domain.names import OrgName
from shared.domain.principals import Principal, registry_file
from shared.domain.registry_files.managed import (
    MANAGED_OWNER,
    ManagedByFile,
    managed_keys,
    managed_place,
)
from shared.domain.registry_files.sections import (
    ParsedFile,
    RegistryFile,
    RegistrySection,
    parse_registry_file,
    unreadable,
)
from shared.domain.sentences import counted, listed
from shared.domain.times import time_text
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import actor_name, administrator_accounts
from shared.services.leases import Leases
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.registry_files.organization_files import OrganizationFiles
from shared.services.registry_files.plans import (
    NOTHING_TO_CHANGE,
    Draft,
    FilePlan,
    Pruning,
    Secrets,
    ShownSecret,
)
from shared.services.registry_files.registry_sections import RegistrySections

_LEASE = "registry-file"
_LEASE_LIFETIME = timedelta(seconds=30)  # If a process dies, others wait until its lease expires.
# How long a request waits for another one; the file of a company takes seconds.
_WAIT = timedelta(minutes=2)
_LOOK_AGAIN = timedelta(milliseconds=500)

_WHAT = "registry files"
_LINES_IN_A_MAIL = 200

OnPlan = Callable[[FilePlan], None]


class FileRequest(Struct, frozen=True):
    """A file that somebody wants to be applied; `secrets` are those of new webhooks by name."""

    text: str
    pruning: Pruning = Pruning.KEEP
    secrets: Secrets = {}


class AppliedFile(Struct, frozen=True):
    """What was changed, or would be: the lines of the difference, what waits, and secrets that are
    shown once, by organization and address."""

    changes: Sequence[str]
    waiting: Sequence[str] = ()
    secrets: Secrets = {}

    @property
    def summary(self) -> str:
        if not self.changes:
            return NOTHING_TO_CHANGE
        return f"{counted(len(self.changes), 'change')}."


def _ignore_plan(_: FilePlan) -> None:
    """Return; callers of the API read the plan with its result."""


class RegistryFiles(Struct, frozen=True):
    """Applies and exports registry files, for the operator, administrators who signed in recently,
    and tokens with the scope apply, each use of which is mailed to all administrators."""

    registry_authorization: RegistryAuthorization
    directory: DirectoryStore
    audited_writer: AuditedWriter
    leases: Leases
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str
    organizations: OrganizationFiles
    registry: RegistrySections

    async def preview(self, request: FileRequest, *, by: Principal) -> AppliedFile:
        """Return what a file would change; nothing is changed."""
        await self.registry_authorization.require_file_applier(by, "try", _WHAT)
        plan = await self._plan(parse_registry_file(request.text), request, by)
        await self._send_mail("tried", plan.lines, by)
        return AppliedFile(plan.lines, plan.waiting)

    async def apply(
        self, request: FileRequest, *, by: Principal, on_plan: OnPlan = _ignore_plan
    ) -> AppliedFile:
        """Change what differs from the file, after `on_plan` got the plan; wait while another file
        is applied. Raises `InvalidRequest` for a file with problems, before any change; and
        the refusal of a change, which names it, how many were made, and the secrets of new webhooks
        among these."""
        await self.registry_authorization.require_file_applier(by, "apply", _WHAT)
        parsed = parse_registry_file(request.text)
        secrets = dict[str, str]()
        try:
            async with AsyncExitStack() as holding:
                await self._hold(holding)
                plan = await self._plan(parsed, request, by)
                on_plan(plan)
                await self._send_mail("applied", plan.lines, by)
                await self._run(plan, secrets)
                await self._mark(parsed.content, len(plan.lines), by)
        except Refusal as refusal:
            # A repeat finds the webhooks that were made, and shows no secret of them.
            refusal.secrets = secrets
            raise
        return AppliedFile(plan.lines, plan.waiting, secrets)

    async def export(self, *, by: Principal) -> str:
        """Return the file of what is there, without secrets."""
        await self.registry_authorization.require_file_applier(by, "export", "the registry")
        await self._send_mail("exported", (), by)
        registry = await self.registry.section()
        has_registry = registry != RegistrySection()
        content = RegistryFile(
            registry=registry if has_registry else None,
            organizations=await self.organizations.sections(),
            upstreams=await self.registry.upstreams(),
        )
        return content.text()

    async def managed(self, org: OrgName | None) -> ManagedByFile:
        """Return what a file owns of an organization, or of the registry; callers check rights. One
        read."""
        section = org or ""
        found = await self.directory.get(ManagedByFile, managed_place(section))
        return found or ManagedByFile(section=section.lower())

    async def managing(self, key: str) -> Sequence[str]:
        """Return the organizations of which a file owns this key, in lower case; callers check
        rights. One read."""
        found = await self.directory.list_by_owner(ManagedByFile, MANAGED_OWNER)
        return [each.section for each in found if each.section and each.manages(key)]

    async def _plan(self, parsed: ParsedFile, request: FileRequest, by: Principal) -> FilePlan:
        draft = Draft(parsed, request.pruning, request.secrets, registry_file(by))
        await self.registry.plan(draft)
        await self.organizations.plan(draft)
        await self.registry.plan_upstreams(draft)
        if draft.problems:
            raise unreadable(draft.problems)
        return FilePlan(draft.steps, draft.waiting)

    async def _hold(self, holding: AsyncExitStack) -> None:
        """Take the lease, or raise `file-being-applied` after some time."""
        waited = timedelta(0)
        while not await holding.enter_async_context(self.leases.held(_LEASE, _LEASE_LIFETIME)):
            if waited >= _WAIT:
                raise Unavailable(
                    "file-being-applied",
                    "Another registry file is being applied. Try again in a minute.",
                    timedelta(minutes=1),
                )
            await self.leases.sleep(_LOOK_AGAIN.total_seconds())
            waited += _LOOK_AGAIN

    async def _run(self, plan: FilePlan, secrets: dict[str, str]) -> None:
        """Make the changes of a plan, and add the secrets that they make."""
        done = 0
        for step in plan.steps:
            try:
                result = await step.run()
            except Refusal as refusal:
                refusal.sentence = (
                    f"{refusal.sentence} That was {step.lines[0]!r}, after {done} of "
                    f"{len(plan.lines)} changes, which stay. Fix it and apply the file again."
                )
                raise
            if isinstance(result, ShownSecret):
                secrets[result.path] = result.secret
            done += len(step.lines)

    async def _mark(self, content: RegistryFile, changes: int, by: Principal) -> None:
        """Store what the file owns now, of each section that it names."""
        for section, keys in managed_keys(content).items():
            await self._mark_section(section, keys, changes, by)

    @retried_when_stale
    async def _mark_section(
        self, section: str, keys: tuple[str, ...], changes: int, by: Principal
    ) -> None:
        stored = await self.directory.get(ManagedByFile, managed_place(section))
        if stored is not None and stored.keys == keys and not changes:
            return
        marked = ManagedByFile(
            section=section,
            keys=keys,
            applied_ms=self.clock.now_ms(),
            by="" if by.is_operator else by.id,
        )
        details = {"changes": str(changes)}
        change = EntityChange(
            "registry-file.applied",
            section or "registry",
            org=section,
            account="" if section or by.is_operator else by.id,
            details=details,
        )
        await self.audited_writer.put(marked, stored=stored, change=change, by=registry_file(by))

    async def _send_mail(self, what: str, lines: Sequence[str], by: Principal) -> None:
        """Tell all administrators of a use of a token, before anything is changed."""
        if by.is_person:
            return
        now_ms = self.clock.now_ms()
        mail = mail_text(
            "registry-file-used",
            what=what,
            by=await actor_name(self.directory, by),
            token=by.token,
            at=time_text(now_ms),
            address=by.address or "an unknown address",
            changes=listed(lines or [NOTHING_TO_CHANGE], _LINES_IN_A_MAIL),
            url=self.base_url,
        )
        administrators = await administrator_accounts(self.directory, now_ms)
        await self.mail_delivery.send_to_accounts(administrators, mail)
