"""Every mail that the registry sends, with every sentence in it, and mail addresses."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, NewType

from shared.domain.errors.base import InvalidRequest
from shared.domain.packages import Release, State
from shared.domain.times import time_text
from shared.domain.tokens import Token, describe_grants

EmailAddress = NewType("EmailAddress", str)

MAX_EMAIL_LENGTH = 254  # The limit of SMTP.
MAX_SUBJECT_LENGTH = 200  # Names of organizations may be as long.

# Stricter than RFC 5322: no quoted strings and no comments, against header injection.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


class MailText(NamedTuple):
    """A mail without its recipient."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail with its recipient. Neither recipient nor text is in its `repr`."""

    to: EmailAddress = field(repr=False)
    subject: str
    text: str = field(repr=False)  # It may hold the code of an invitation.


def parse_email(text: str) -> EmailAddress:
    """Return `text` as a mail address, or raise `InvalidRequest`."""
    trimmed = text.strip()
    if len(trimmed) > MAX_EMAIL_LENGTH or not _ADDRESS.fullmatch(trimmed):
        message = "That is no mail address. Write it as kim@example.org."
        raise InvalidRequest(message)
    return EmailAddress(trimmed)


def mailbox_key(address: str) -> str:
    """Return the mailbox of an address: `kim@example.org` for `Kim+work@Example.org`."""
    name, _, domain = address.lower().rpartition("@")
    return f"{name.partition('+')[0]}@{domain}"


def mask_email(address: str) -> str:
    """Return an address as strangers may see it: `k…@example.org`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}\N{HORIZONTAL ELLIPSIS}@{domain}"


def mail_line(text: str) -> str:
    """Return text for a header: one printable line, shortened."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line[:MAX_SUBJECT_LENGTH].strip()


def invitation_mail(org: str, role: str, *, by: str, link: str, until_ms: int) -> MailText:
    return MailText(
        f"{by} invites you to {org}",
        f"{by} invites you to be {role} of the organization {org}. Open this link to accept or "
        f"decline; it is good for one person, until {time_text(until_ms)}:\n\n{link}\n\n"
        "If you do not know what this is about, there is nothing that you need to do.\n",
    )


def owner_change_pending_mail(org: str, what: str, *, by: str, at_ms: int, link: str) -> MailText:
    return MailText(
        f"The owners of {org} are about to change",
        f"{by} has decided that {what}. This counts from {time_text(at_ms)} on. Until then every "
        f"owner of {org} can undo it:\n\n{link}\n\n"
        "If nobody of you wanted this, undo it, and let whoever decided it sign out everywhere: "
        "somebody else may be using their account.\n",
    )


def owners_changed_mail(org: str, what: str, *, by: str, link: str) -> MailText:
    return MailText(
        f"The owners of {org} have changed",
        f"{by} has decided that {what}. This counts from now on:\n\n{link}\n\n"
        "If it is a mistake, turn to the operator of the registry.\n",
    )


def owner_change_cancelled_mail(org: str, what: str, *, by: str, link: str) -> MailText:
    return MailText(
        f"The owners of {org} stay as they are",
        f"It had been decided that {what}. {by} has undone that:\n\n{link}\n",
    )


def organization_deletion_mail(org: str, *, by: str, at_ms: int, link: str) -> MailText:
    return MailText(
        f"The organization {org} is about to be deleted",
        f"{by} deletes the organization {org}. It takes no packages any more, and from "
        f"{time_text(at_ms)} on it is gone, and somebody else may found it a day later. Until "
        f"then every owner can undo it:\n\n{link}\n",
    )


def organization_deletion_cancelled_mail(org: str, *, by: str, link: str) -> MailText:
    return MailText(
        f"The organization {org} stays",
        f"{by} has undone the deletion of the organization {org}:\n\n{link}\n",
    )


def domain_lapsed_mail(org: str, domain: str, *, record: str, link: str) -> MailText:
    return MailText(
        f"{domain} is no longer verified for {org}",
        f"The record {record}, by which {org} proved that {domain} is its own, is gone, so the "
        f"domain is no longer shown as verified. Set the record again and verify it:\n\n{link}\n",
    )


def new_device_mail(name: str, url: str, *, agent: str, address: str) -> MailText:
    return MailText(
        mail_line(f"{name}: a new browser is signed in"),
        f"""\
Somebody signed in as {name} with a browser that was not used for it before:

  {mail_line(agent) or "a browser without a name"}
  from {address or "an unknown address"}

If that was you, there is nothing to do. If not, end the session at
{url}/account, and look after the account that you sign in with.
""",
    )


def identity_linked_mail(name: str, url: str, *, label: str, provider: str) -> MailText:
    return MailText(
        mail_line(f"{name}: a new way to sign in"),
        f"""\
{mail_line(label)} ({provider}) can sign in as {name} from now on.

If you did not do this, remove it at {url}/account and end every session there.
""",
    )


def identity_removed_mail(name: str, url: str, *, label: str, provider: str) -> MailText:
    return MailText(
        mail_line(f"{name}: a way to sign in is gone"),
        f"""\
{mail_line(label)} ({provider}) can no longer sign in as {name}.

If you did not do this, look at {url}/account at once.
""",
    )


def session_copied_mail(name: str, url: str) -> MailText:
    """Tell that a session's cookie was used from two places."""
    return MailText(
        mail_line(f"{name}: a session was ended"),
        f"""\
A session of {name} was ended because its cookie was used from two places, as it is when
somebody has copied it. Sign in again, and look through your sessions and tokens at
{url}/account.
""",
    )


def leaked_token_mail(token: Token, found_at: str, page_of_tokens: str) -> MailText:
    where = f"It was found at {found_at}\n\n" if found_at else ""
    text = (
        f"{_named(token)} was found where others can read it, and it was revoked at once.\n\n"
        f"{where}"
        f"It allowed: {describe_grants(token.grants)}.\n\n"
        "Look through what was published since then. Remove the token from where it was found, "
        f"and make a new one if something needs it: {page_of_tokens}\n"
    )
    return MailText(f"The token {token.name} leaked and was revoked", text)


def token_expiry_mail(token: Token, page_of_tokens: str) -> MailText:
    day = _day(token.expires_ms)
    text = (
        f"{_named(token)} ends on {day}. From then on, whatever uses it is refused.\n\n"
        f"If something still needs it, give it a new text in time: {page_of_tokens}\n"
        "If nothing does, there is nothing to do.\n"
    )
    return MailText(f"The token {token.name} ends on {day}", text)


def _named(token: Token) -> str:
    whose = f" of the organization {token.org}" if token.org else ""
    return f"The access token {token.name} ({token.id}){whose}"


def _day(at_ms: int | None) -> str:
    return datetime.fromtimestamp((at_ms or 0) // 1000, UTC).strftime("%d %B %Y")


_MEANING = {
    State.LIVE: "It is as it was: everybody who may see its package finds and pulls it.",
    State.HELD: "Nobody sees or pulls it until the operator releases it.",
    State.QUARANTINED: (
        "It may do harm, so nobody sees or pulls it until the operator has looked at it. Whoever "
        "pulled it before has it still."
    ),
    State.REMOVED: (
        "Nobody gets it any more, and its version is never free again. Whoever pulled it before "
        "has it still."
    ),
}
_WORDS = {
    State.LIVE: "released again",
    State.HELD: "held",
    State.QUARANTINED: "quarantined",
    State.REMOVED: "removed for good",
}


def moderation_mail(release: Release, organization_page: str) -> MailText:
    words = _WORDS[release.state]
    reason = f"The reason: {_printable(release.state_reason)}\n\n" if release.state_reason else ""
    text = (
        f"{release.coordinate} was {words} by the operator of the registry. "
        f"{_MEANING[release.state]}\n\n"
        f"{reason}"
        f"If that is a mistake, tell the operator. Your organization: {organization_page}\n"
    )
    return MailText(f"{release.coordinate} was {words}", text)


def held_release_mail(release: Release, held_releases_page: str) -> MailText:
    """Tell owners that a release of a burst is held, and how to confirm it."""
    text = (
        f"{release.coordinate} was pushed together with many other packages within minutes, so it "
        "is held, and so is what follows it for now: nobody sees or pulls it.\n\n"
        f"It was published by {release.origin.principal} with the credential "
        f"{release.origin.credential}.\n\n"
        "If that was meant, sign in and confirm each release that waits. If it was not, revoke "
        "that credential at once, and tell the operator of the registry.\n\n"
        f"What waits: {held_releases_page}\n"
    )
    return MailText(f"Releases of {release.org} wait for you", text)


def _printable(text: str) -> str:
    """Return text without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def account_locked_mail(name: str, url: str) -> MailText:
    """Tell that an account is locked, but not why: others may read the mail."""
    return MailText(
        mail_line(f"{name}: your account is locked"),
        f"""\
An administrator has locked the account {name} at {url}. Nobody signs in to it, its
sessions are ended, and its tokens are refused until it is unlocked. What you published stays.

Ask an administrator of the registry why, and what to do now.
""",
    )


def account_unlocked_mail(name: str, url: str) -> MailText:
    return MailText(
        mail_line(f"{name}: your account is unlocked"),
        f"""\
You can sign in as {name} again, and the tokens that were not revoked count again. Look
through your tokens, and through what happened, at {url}/account.
""",
    )


def administrators_changed_mail(name: str, url: str, *, by: str, is_one: bool) -> MailText:
    what = "an administrator" if is_one else "no administrator any more"
    return MailText(
        mail_line(f"{name} is {what}"),
        f"""\
{by} has decided that {name} is {what} of the registry at {url}.
This counts from now on.

If nobody of you wanted this, lock the account of whoever decided it: {url}/manage/accounts
""",
    )
