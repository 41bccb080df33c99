"""Restraining: ending what an account is used by, and locking it while it is in wrong hands."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.accounts import Account, Lock
from shared.domain.administration_letters import account_locked, account_unlocked
from shared.domain.identity import Principal
from shared.domain.mails import Letter
from shared.domain.profiles import parse_reason
from shared.domain.sessions import Session
from shared.domain.tokens import MadeByToken
from shared.services.administrators import Administrators
from shared.services.notifying import Notifying
from shared.services.recording import Change, Recording
from shared.services.signing_out import SigningOut
from shared.services.token_records import TokenRecords, change_of


@dataclass(frozen=True, slots=True)
class Restraining:
    """Does to the account of somebody else what its owner would do, if they still could.

    It takes an administrator who signed in a moment ago. What the account published stays.
    """

    administrators: Administrators
    recording: Recording
    signing_out: SigningOut
    tokens: TokenRecords
    notifying: Notifying
    base_url: str

    async def end_sessions(self, account: Account, *, by: Principal) -> list[Session]:
        """End every session of the account, everywhere within five seconds."""
        await self._check(by, "end", f"the sessions of {account.name}")
        return await self.signing_out.end_every(account.id, by=by)

    async def revoke(self, account: Account, token_id: str, *, by: Principal) -> None:
        """End a token of the account, everywhere within five seconds; raise `TokenNotFound`."""
        await self._check(by, "revoke", f"tokens of {account.name}")
        token = (await self.tokens.find(account.id, token_id)).token
        await self.tokens.end(token, change_of("revoked", token), by=by)

    async def revoke_stolen(
        self, account: Account, token_id: str, *, by: Principal
    ) -> Sequence[MadeByToken]:
        """End a token of the account and everything that was made with it, as its owner would."""
        await self._check(by, "revoke", f"tokens of {account.name}")
        return await self.tokens.lineage.revoke(account.id, token_id, by=by)

    async def revoke_all(self, account: Account, *, by: Principal) -> int:
        """End every token of the account but canaries, which open nothing; return how many."""
        await self._check(by, "revoke", f"tokens of {account.name}")
        found = [used.token for used in await self.tokens.of(account.id) if not used.token.canary]
        for token in found:
            await self.tokens.end(token, change_of("revoked", token), by=by)
        return len(found)

    async def lock(self, account: Account, reason: str, *, by: Principal) -> list[Session]:
        """Lock the account and return the sessions that ended; a repeat changes the reason.

        Its credentials are refused everywhere within five seconds. Raises `LastAdministrator`.
        """
        why = parse_reason(reason, f"the lock of {account.name}")
        async with self.administrators.held(account, "lock", by=by) as there:
            if there.administrator:
                await self.administrators.require_another_beside(there)
            lock = Lock(at_ms=self.recording.clock.now_ms(), by=by.id, reason=why)
            await self._write(there, lock, by)
        # After the lock, so that nobody signs in again meanwhile.
        ended = await self.signing_out.end_every(account.id, by=by)
        await self._tell(account, account_locked(account.name, self.base_url))
        return ended

    async def unlock(self, account: Account, *, by: Principal) -> None:
        """Let the account be used again, with the tokens that were not revoked."""
        async with self.administrators.held(account, "unlock", by=by) as there:
            if not there.is_locked:
                return
            await self._write(there, None, by)
        await self._tell(account, account_unlocked(account.name, self.base_url))

    async def _write(self, account: Account, lock: Lock | None, by: Principal) -> None:
        kind = "account.unlocked" if lock is None else "account.locked"
        details = {"name": account.name, **({"reason": lock.reason} if lock else {})}
        change = Change(kind, account.id, account=account.id, details=details)
        changed = account.model_copy(update={"lock": lock})
        await self.recording.replace(changed, change=change, by=by)

    async def _check(self, by: Principal, verb: str, what: str) -> None:
        await self.administrators.administration.require_fresh(by, verb, what)

    async def _tell(self, account: Account, letter: Letter) -> None:
        await self.notifying.tell([account], *letter)
