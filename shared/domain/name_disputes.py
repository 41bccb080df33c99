"""Name disputes: somebody claims the name of an organization or of a package that others have. A
dispute has a notice of seven days, a decision by an administrator, and an appeal.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import Enum
from typing import ClassVar

from shared.domain.coordinates import Package
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest, NotFound, printable
from shared.domain.ids import ID_LENGTH
from shared.domain.names import OrgName, parse_org
from shared.domain.records import Record
from shared.domain.times import MS

NOTICE_PERIOD = timedelta(days=7)  # For the holder's answer, before anything is decided.
APPEAL_PERIOD = timedelta(days=14)  # After the decision.
MAX_STATEMENT_LENGTH = 2_000  # Characters; longer evidence is linked.
MAX_STATEMENTS = 20
# Disputes of one claimant that are open or were opened within the last seven days.
MAX_OPEN_DISPUTES = 5
MAX_LINES = 40  # Lines of one statement.

WORDS_OF_ERASED = "These words were deleted with the account of the claimant."
NAME_OF_ERASED = "(a deleted account)"

_ID = re.compile(rf"(?P<org>\w+)-[0-9A-Za-z]{{{ID_LENGTH}}}", re.ASCII)


class DisputeState(Enum):
    """How far a dispute has come."""

    NOTICE = "notice"  # The parties state their case, and nothing is decided yet.
    OPEN = "open"  # It waits for a decision.
    DECIDED = "decided"  # A party can appeal.
    APPEALED = "appealed"  # It waits for the decision on the appeal.
    FINAL = "final"  # Nobody can appeal any more.
    WITHDRAWN = "withdrawn"  # By the claimant.


UNDECIDED = frozenset({DisputeState.NOTICE, DisputeState.OPEN, DisputeState.APPEALED})


class DisputeOutcome(Enum):
    """The decision about a claim."""

    GRANTED = "granted"
    DENIED = "denied"


class Statement(Record):
    """What a party, or an administrator, says about the dispute: a claim, an answer, evidence."""

    at_ms: int
    by: str
    text: str


class DisputeDecision(Record):
    """A decision, with its reason, which both parties read."""

    at_ms: int
    by: str
    outcome: DisputeOutcome
    reason: str


class DisputeAppeal(Record):
    """The appeal of a party against a decision."""

    at_ms: int
    by: str
    reason: str


class NameDispute(Entity):
    """A claim to the name of an organization or package. The parties are the claimant, and the
    owners of the organization that has the name."""

    kind: ClassVar[str] = "name-dispute"

    id: str
    org: str
    package: str = ""  # Empty: the name of the organization is disputed.
    claimant: str  # An account.
    opened_by: str  # The claimant, or who opened it for them.
    opened_ms: int
    statements: tuple[Statement, ...] = ()
    decision: DisputeDecision | None = None
    appeal: DisputeAppeal | None = None
    decision_on_appeal: DisputeDecision | None = None
    withdrawn_ms: int | None = None

    @property
    def place(self) -> Place:
        """All disputes about one organization and its packages have one owner."""
        return Place(self.org.lower(), self.id)

    @property
    def subject(self) -> str:
        """The claimant, so that their disputes can be listed."""
        return self.claimant

    @property
    def name(self) -> str:
        """The disputed name: `org` or `org/name`."""
        return f"{self.org}/{self.package}" if self.package else self.org

    @property
    def notice_ends_ms(self) -> int:
        return self.opened_ms + NOTICE_PERIOD // MS

    @property
    def appeal_ends_ms(self) -> int | None:
        """Until when a party can appeal; None while nothing is decided."""
        return self.decision.at_ms + APPEAL_PERIOD // MS if self.decision else None

    @property
    def decisions(self) -> Mapping[str, DisputeDecision | DisputeAppeal]:
        """The decisions and the appeal that there are, by the names of their fields."""
        parts = {
            "decision": self.decision,
            "appeal": self.appeal,
            "decision_on_appeal": self.decision_on_appeal,
        }
        return {name: part for name, part in parts.items() if part}

    @property
    def last_decision(self) -> DisputeDecision | None:
        return self.decision_on_appeal or self.decision

    def state_at(self, now_ms: int) -> DisputeState:
        if self.withdrawn_ms is not None:
            return DisputeState.WITHDRAWN
        if self.decision_on_appeal:
            return DisputeState.FINAL
        if self.appeal:
            return DisputeState.APPEALED
        if self.appeal_ends_ms is not None:
            is_final = now_ms >= self.appeal_ends_ms
            return DisputeState.FINAL if is_final else DisputeState.DECIDED
        return DisputeState.NOTICE if now_ms < self.notice_ends_ms else DisputeState.OPEN


def without_account(
    dispute: NameDispute, account_id: str, names: Iterable[str], now_ms: int
) -> NameDispute:
    """Return the dispute without what identifies an account that is erased: a claim that is not
    final is withdrawn, the words of the claimant go, and in those of others `names` are replaced,
    which are its name and its mail address.

    What an owner stated stays, since it speaks for the organization, and so do decisions.
    """
    is_claimant = dispute.claimant == account_id
    disputed = {dispute.org.lower(), dispute.package.lower()}
    # The longest first, because an address may begin with a name.
    known = sorted(names, key=len, reverse=True)
    escaped = [re.escape(each) for each in known if each and each.lower() not in disputed]
    named = re.compile(rf"(?<!\w)(?:{'|'.join(escaped)})(?!\w)", re.IGNORECASE) if escaped else None

    def stated(statement: Statement) -> Statement:
        # The first statement is the claim, whoever wrote it down.
        is_claim = statement == dispute.statements[0]
        is_own = is_claimant and (is_claim or statement.by == account_id)
        text = WORDS_OF_ERASED if is_own else unnamed(statement.text)
        return statement.model_copy(update={"text": text})

    def unnamed(text: str) -> str:
        return named.sub(NAME_OF_ERASED, text) if named else text

    changes: dict[str, object] = {"statements": tuple(map(stated, dispute.statements))}
    for part, record in dispute.decisions.items():
        is_own = is_claimant and record.by == account_id
        reason = WORDS_OF_ERASED if is_own else unnamed(record.reason)
        changes[part] = record.model_copy(update={"reason": reason})
    if is_claimant and dispute.state_at(now_ms) not in (DisputeState.FINAL, DisputeState.WITHDRAWN):
        changes["withdrawn_ms"] = now_ms
    return dispute.model_copy(update=changes)


def dispute_place(dispute_id: str) -> Place:
    """Return the place of a dispute by its id; one where nothing is for what is no id."""
    found = _ID.fullmatch(dispute_id)
    return Place(found["org"].lower(), dispute_id) if found else Place("nobody", "nothing")


def dispute_not_found(text: str) -> NotFound:
    return NotFound(
        "dispute-not-found", f"There is no name dispute {printable(text)} that you are a party of."
    )


def parse_disputed_name(text: str) -> OrgName | Package:
    """Return the organization `org`, or the package `org/name`, or raise `InvalidName`."""
    return Package.from_text(text) if "/" in text else parse_org(text.strip())


def parse_statement(text: str) -> str:
    """Return a statement of some lines, or raise `InvalidRequest`."""
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    lines = [re.sub(r"\s+", " ", line).strip() for line in plain.split("\n")]
    statement = re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
    if not statement:
        message = "Say what you claim or answer, and name your evidence."
        raise InvalidRequest(message)
    if len(statement) > MAX_STATEMENT_LENGTH or len(lines) > MAX_LINES:
        message = (
            f"The statement has {len(statement):,} characters in {len(lines)} lines, and "
            f"{MAX_STATEMENT_LENGTH:,} in {MAX_LINES} fit. Shorten it, and link to the rest."
        )
        raise InvalidRequest(message)
    if not all(each.isprintable() for each in lines):
        message = "The statement holds characters that nobody sees. Write it with visible ones."
        raise InvalidRequest(message)
    return statement
