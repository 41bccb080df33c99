"""With the setting BALLROOM_TWO_ADMINISTRATORS, what an administrator cannot take back waits for a
second one: removal for good, erasure, and decisions about names."""

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.identity import second_administrator_needed
from shared.domain.mail import MailText
from shared.domain.principals import ACTOR_NAMES, OPERATOR_ID, Principal
from shared.domain.proposals import PROPOSALS_OWNER, Proposal
from shared.domain.queued_mail import Audience, Recipients
from shared.domain.status import StatusProblem, Urgency
from shared.domain.text_lines import first_of
from shared.domain.times import time_text
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.services.administration.administrators import Administrators
from shared.services.identity.accounts import account_names
from shared.services.mail_delivery import MailDelivery, mail_text, reason_text


class SecondAdministrator(Struct, frozen=True):
    """Says what waits for a second administrator, who may be one, and tells all of them by mail.

    The operator waits for nobody: whoever runs commands on the machine can change the database as
    well. What they do is in the log, and is mailed to all administrators.
    """

    is_required: bool
    directory: DirectoryStore
    administrators: Administrators
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    def must_confirm(self, by: Principal) -> bool:
        """Check whether a second administrator must confirm what `by` cannot take back."""
        return self.is_required and not by.is_operator

    async def require(self, proposal: Proposal, by: Principal) -> None:
        """Raise `second-administrator-needed` unless `by` may confirm what another one asked for.

        The registry knows accounts and no people. It refuses the account that asked, and one with
        the same mail address; it cannot know of another account that it is of the same person.
        """
        if by.is_operator or not (self.is_required or proposal.of_person):
            return
        if by.id == proposal.by:
            why = "You asked for this, so another administrator confirms it. You can withdraw it."
            raise second_administrator_needed(why)
        asking = await self.directory.get(Account, Place(proposal.by))
        now_ms = self.clock.now_ms()
        if asking is None or asking.is_locked or not asking.administers_at(now_ms):
            why = (
                "Who asked for this is no administrator any more, so nobody confirms it. Reject "
                "it, and ask for it again if it is right."
            )
            raise second_administrator_needed(why)
        confirming = await self.directory.get(Account, Place(by.id))
        if confirming and _is_same_address(asking, confirming):
            why = (
                f"{confirming.name} and {asking.name}, who asked for this, have the same mail "
                "address, so they count as one person. Another administrator confirms it."
            )
            raise second_administrator_needed(why)

    async def is_alone(self) -> bool:
        """Check whether the setting is on, and nobody could confirm what an administrator asks
        for."""
        if not self.is_required:
            return False
        able = [each for each in await self.administrators.all() if not each.is_locked]
        addresses = {each.email.lower() or each.id for each in able}
        return len(addresses) < 2  # noqa: PLR2004 - the number that the setting is about.

    async def problems(self) -> list[StatusProblem]:
        """Report the decisions that wait for a second administrator, and whether there is none. No
        call of the store while the setting is off."""
        if not self.is_required:
            return []
        now_ms = self.clock.now_ms()
        stored = await self.directory.list_by_owner(Proposal, PROPOSALS_OWNER)
        waiting = [each for each in stored if each.of_person and each.is_open_at(now_ms)]
        found = [_alone_problem()] if await self.is_alone() else []
        if waiting:
            names = await self.names_of(*waiting)
            sentences = first_of([each.sentence_with(names) for each in waiting])
            sentence = f"Waiting for a second administrator: {sentences}."
            way_out = "Confirm or reject it on /manage/proposals."
            found.append(StatusProblem(Urgency.WARN, sentence, way_out, page="/manage/proposals"))
        return found

    async def send_asked_mail(self, proposal: Proposal, by: Principal) -> None:
        names = await self.names_of(proposal)
        what = proposal.sentence_with(names)
        mail = mail_text(
            "decision-waits",
            by=names.get(by.id, by.id),
            what=what,
            url=self.base_url,
            reason=reason_text(proposal.reason),
            until=time_text(proposal.ends_ms),
            link=f"{self.base_url}/manage/proposals",
        )
        await self._send(mail)

    async def send_ended_mail(self, proposal: Proposal, outcome: str) -> None:
        """Tell what became of a decision that waited; `outcome` is a clause."""
        names = await self.names_of(proposal)
        mail = mail_text(
            "decision-ended",
            by=names.get(proposal.by, proposal.by),
            what=proposal.sentence_with(names),
            url=self.base_url,
            outcome=outcome,
            reason=reason_text(proposal.reason),
        )
        await self._send(mail)

    async def send_command_mail(self, what: str, reason: str) -> None:
        """Tell of what a command on the machine did without a second administrator, where people
        need one; `what` is a clause."""
        if self.is_required:
            mail = mail_text(
                "decided-on-machine",
                by=ACTOR_NAMES[OPERATOR_ID],
                what=what,
                url=self.base_url,
                reason=reason_text(reason),
            )
            await self._send(mail)

    async def names_of(self, *proposals: Proposal) -> dict[str, str]:
        """Return the names of the accounts that the proposals are by and about, by id."""
        ids = {name for each in proposals for name in (each.by, *each.accounts)}
        return dict(await account_names(self.directory, ids))

    async def _send(self, mail: MailText) -> None:
        await self.mail_delivery.send_to(Recipients(audience=Audience.ADMINISTRATORS), mail)


def _alone_problem() -> StatusProblem:
    return StatusProblem(
        Urgency.WARN,
        "Two administrators decide, and only one can sign in: nothing is removed for good, erased "
        "or decided about names.",
        "Appoint a second one, or leave BALLROOM_TWO_ADMINISTRATORS out.",
        page="/manage/accounts",
    )


def _is_same_address(one: Account, other: Account) -> bool:
    return bool(one.email) and one.email.lower() == other.email.lower()
