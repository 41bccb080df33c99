"""Policies: the words of the operator for the rules of this registry."""

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.errors.base import about_field
from shared.domain.policies import POLICY_OF_NAMES, Policy, parse_policy, policy_place
from shared.domain.principals import Principal
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange


class Policies(Struct, frozen=True):
    """Reads and replaces the policy for names; None stands for the text that comes with the
    registry."""

    directory: DirectoryStore
    registry_authorization: RegistryAuthorization
    audited_writer: AuditedWriter
    clock: Clock

    async def of_names(self) -> Policy | None:
        """Return the words of the operator, if there are any; everybody reads them."""
        return await self.directory.get(Policy, policy_place(POLICY_OF_NAMES))

    @retried_when_stale
    async def replace(self, text: str, *, by: Principal) -> Policy:
        """Replace the policy for names; a repeat changes nothing. Raises `InvalidRequest`."""
        await self.registry_authorization.require_fresh(by, "change", "the policy for names")
        with about_field("text"):
            parsed = parse_policy(text)
        current = await self.of_names()
        if current is not None and current.text == parsed:
            return current
        now_ms = self.clock.now_ms()
        policy = Policy(
            name=POLICY_OF_NAMES,
            text=parsed,
            changed_ms=now_ms,
            by=by.id,
        )
        change = _change("policy.changed")
        return await self.audited_writer.put(policy, stored=current, change=change, by=by)

    @retried_when_stale
    async def reset(self, *, by: Principal) -> None:
        """Show the text that comes with the registry again; a repeat changes nothing."""
        await self.registry_authorization.require_fresh(by, "change", "the policy for names")
        current = await self.of_names()
        if current is not None:
            await self.audited_writer.remove(current, change=_change("policy.reset"), by=by)


def _change(kind: str) -> EntityChange:
    return EntityChange(kind, POLICY_OF_NAMES)
