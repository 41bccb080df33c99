"""Proposals: what a token that moderates asks for and a person confirms, since it cannot be taken
back."""

from datetime import timedelta
from enum import Enum
from typing import ClassVar

from shared.domain.packages import PublicReason
from shared.domain.records import Entity, Place
from shared.domain.times import MS

PROPOSAL_LIFETIME = timedelta(days=14)  # Longer than a holiday week; a scanner repeats itself.
PROPOSAL_LIFETIME_MS = PROPOSAL_LIFETIME // MS
MAX_PROPOSALS = 500  # Open ones, so that a scanner that errs cannot fill the store.
PROPOSALS_OWNER = "proposals"
PROPOSAL_ID_LENGTH = 10  # Base62.


class ProposedAct(Enum):
    """What is proposed."""

    REMOVE = "remove"
    ERASE = "erase"
    RESERVE_NAME = "reserve-name"
    MOVE_NAME = "move-name"

    @property
    def sentence(self) -> str:
        """What confirming it does; `{subject}` is the release or the name, `{to}` the new side."""
        return _SENTENCES[self]


_SENTENCES = {
    ProposedAct.REMOVE: "Remove {subject} permanently",
    ProposedAct.ERASE: "Erase {subject} permanently, with all that is stored of it",
    ProposedAct.RESERVE_NAME: "Reserve the name {subject}, so that nobody can found it",
    ProposedAct.MOVE_NAME: "Move the name {subject} to {to}",
}


class Proposal(Entity):
    """An act that waits for a person; `about` is a release, a pattern of names or an organization.

    `by` is the account of the token, and `token` its id.
    """

    kind: ClassVar[str] = "proposal"

    id: str
    act: ProposedAct
    about: str
    reason: str
    public_reason: PublicReason | None = None
    to: str = ""  # Of a name that moves: `here`, or an upstream.
    by: str
    token: str = ""
    created_ms: int

    @property
    def place(self) -> Place:
        return proposal_place(self.id)

    @property
    def ends_ms(self) -> int:
        return self.created_ms + PROPOSAL_LIFETIME_MS

    @property
    def sentence(self) -> str:
        return self.act.sentence.format(subject=self.about, to=self.to)

    def is_open_at(self, now_ms: int) -> bool:
        return now_ms < self.ends_ms

    def is_like(self, other: "Proposal") -> bool:
        """Check whether both proposals ask for the same act on the same thing, in any case."""
        return (self.act, self.about.lower(), self.to) == (other.act, other.about.lower(), other.to)


def proposal_place(proposal_id: str) -> Place:
    return Place(PROPOSALS_OWNER, proposal_id)
