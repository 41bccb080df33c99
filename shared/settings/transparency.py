"""The witnesses of the transparency log, and the logs of which this registry is a witness."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.domain.errors.transparency import NoteUnreadable
from shared.domain.transparency.log_policies import LogPolicy
from shared.domain.transparency.notes import VerifierKey
from shared.settings.values import TopicSettings, split_list

_EXAMPLE_FILE = "/etc/ballroom/witnesses.policy"
_EXAMPLE_KEY = "packages.example.org/log+9d4c8b2f+AX…"


def _read_policy(text: str) -> str:
    """Return the text of a policy, which the setting has or the file that it names."""
    named = text.strip()
    if not named:
        return ""
    policy = text
    if " " not in named:
        try:
            policy = Path(named).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            reason = f"it names no file to read, such as {_EXAMPLE_FILE}"
            raise ValueError(reason) from None
    try:
        return LogPolicy.parse(policy).text
    except NoteUnreadable as refusal:
        reason = f"{refusal} It is the text of a policy, or a file such as {_EXAMPLE_FILE}"
        raise ValueError(reason) from None


def _check_keys(text: str) -> str:
    for each in split_list(text):
        try:
            key = VerifierKey.parse(each)
        except NoteUnreadable as refusal:
            reason = f"it has {each[:80]!r}. {refusal} It is a key such as {_EXAMPLE_KEY}"
            raise ValueError(reason) from None
        if key.is_of_witness:
            reason = (
                f"it has {each[:80]!r}, which is the key of a witness. Give that of a log, such as "
                f"{_EXAMPLE_KEY}"
            )
            raise ValueError(reason)
    return text


class TransparencySettings(TopicSettings):
    """Who cosigns the log of this registry, and whose logs it cosigns."""

    log_witnesses: Annotated[str, AfterValidator(_read_policy)] = Field(
        default="",
        description="Witnesses of the transparency log: a policy of c2sp.org/tlog-policy, as its "
        "text or the path of a file, with a line for each witness, its verifier key and the "
        "address that takes add-checkpoint, and a line `quorum`; empty for none.",
    )
    witness_for: Annotated[str, AfterValidator(_check_keys)] = Field(
        default="",
        description="Verifier keys of the logs of which this registry is a witness, separated by "
        f"commas, such as {_EXAMPLE_KEY}; empty for none.",
    )

    @property
    def witnesses(self) -> LogPolicy:
        """The witnesses of the log, and what they have to have cosigned."""
        return LogPolicy.parse(self.log_witnesses) if self.log_witnesses else LogPolicy()

    @property
    def witnessed_keys(self) -> tuple[VerifierKey, ...]:
        """The keys of the logs of which this registry is a witness."""
        return tuple(map(VerifierKey.parse, split_list(self.witness_for)))
