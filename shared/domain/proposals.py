"""Proposals: what a token that moderates asks for, or an administrator who needs a second one, and
a person confirms, since it cannot be taken back."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import ClassVar

from shared.domain.entities import Entity, Place
from shared.domain.times import MS
from shared.domain.withdrawal_reasons import PublicReason

PROPOSAL_LIFETIME = timedelta(days=14)  # Longer than a holiday week; a scanner repeats itself.
PROPOSAL_LIFETIME_MS = PROPOSAL_LIFETIME // MS
# How long a second administrator can confirm a decision: a day at most, because a harmful release
# is held at once.
DECISION_LIFETIME = timedelta(days=1)
DECISION_LIFETIME_MS = DECISION_LIFETIME // MS
ERASE_NOW = "now"
ERASE_LATER = "in seven days"
MAX_PROPOSALS = 500  # Open ones, so that a scanner that errs cannot fill the store.
PROPOSALS_OWNER = "proposals"
PROPOSAL_ID_LENGTH = 10  # Base62.


class ProposedAct(Enum):
    """What is proposed."""

    REMOVE = "remove"
    ERASE = "erase"
    RESERVE_NAME = "reserve-name"
    MOVE_NAME = "move-name"
    ERASE_ACCOUNT = "erase-account"
    DECIDE_DISPUTE = "decide-dispute"
    GRANT_OWNERSHIP = "grant-ownership"

    @property
    def sentence(self) -> str:
        """What confirming it does; `{subject}` is what it is about, `{to}` the new side, the
        time, the outcome or the account."""
        return _SENTENCES[self]


_SENTENCES = {
    ProposedAct.REMOVE: "Remove {subject} permanently",
    ProposedAct.ERASE: "Erase {subject} permanently, with all that is stored of it",
    ProposedAct.RESERVE_NAME: "Reserve the name {subject}, so that nobody can found it",
    ProposedAct.MOVE_NAME: "Move the name {subject} to {to}",
    ProposedAct.ERASE_ACCOUNT: "Erase the account {subject} {to}, with all that is stored of its "
    "person",
    ProposedAct.DECIDE_DISPUTE: "Decide the name dispute {subject}: {to}",
    ProposedAct.GRANT_OWNERSHIP: "Make the account {to} an owner of {subject}",
}


class Proposal(Entity):
    """An act that waits for a person; `about` is a release, a pattern of names, an organization, a
    dispute or an account.

    `by` is the account of the token, and `token` its id. One that is `of_person` waits for a second
    administrator: `by` is the one who asked.
    """

    kind: ClassVar[str] = "proposal"

    id: str
    act: ProposedAct
    about: str
    reason: str
    public_reason: PublicReason | None = None
    # What is decided: for a name that moves, `here` or an upstream; for an account, when it is
    # erased; for a dispute, the outcome; for an ownership, the account that gets it.
    to: str = ""
    by: str
    token: str = ""
    created_ms: int
    of_person: bool = False

    @property
    def place(self) -> Place:
        return proposal_place(self.id)

    @property
    def ends_ms(self) -> int:
        lifetime_ms = DECISION_LIFETIME_MS if self.of_person else PROPOSAL_LIFETIME_MS
        return self.created_ms + lifetime_ms

    @property
    def sentence(self) -> str:
        return self.sentence_with({})

    def sentence_with(self, names: Mapping[str, str]) -> str:
        """Return the sentence with the names of accounts beside their ids."""
        subject, to = (
            f"{names[each]} ({each})" if each in self.accounts and each in names else each
            for each in (self.about, self.to)
        )
        return self.act.sentence.format(subject=subject, to=to)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The ids of the accounts that it is about."""
        if self.act is ProposedAct.ERASE_ACCOUNT:
            return (self.about,)
        return (self.to,) if self.act is ProposedAct.GRANT_OWNERSHIP else ()

    def is_open_at(self, now_ms: int) -> bool:
        return now_ms < self.ends_ms

    def is_like(self, other: "Proposal") -> bool:
        """Check whether both proposals ask for the same act on the same thing, in any case."""
        return (self.act, self.about.lower(), self.to) == (other.act, other.about.lower(), other.to)


def proposal_place(proposal_id: str) -> Place:
    return Place(PROPOSALS_OWNER, proposal_id)
