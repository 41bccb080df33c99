"""Every mail that the registry sends, with every sentence in it, and mail addresses."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, NewType

from shared.domain.errors.base import InvalidRequest
from shared.domain.packages import Release, State
from shared.domain.times import time_text
from shared.domain.tokens import Token, describe_grants
from shared.domain.withheld_releases import WITHDRAWAL_TITLES

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
        message = "This is not a valid email address. Write it as kim@example.org."
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
        f"{by} invited you to join {org}",
        f"{by} invited you to join the organization {org} as {role}. Open this link to accept or "
        f"decline the invitation; it works for one person and expires on {time_text(until_ms)}:"
        f"\n\n{link}\n\nIf you did not expect this invitation, you can ignore it.\n",
    )


def owner_change_pending_mail(org: str, what: str, *, by: str, at_ms: int, link: str) -> MailText:
    return MailText(
        f"Pending change to the owners of {org}",
        f"{by} requested a change: {what}. It takes effect on {time_text(at_ms)}. Until then, any "
        f"owner of {org} can cancel it:\n\n{link}\n\n"
        f"If this is unexpected, cancel it, and ask {by} to end all sessions: the account may be "
        "compromised.\n",
    )


def owners_changed_mail(org: str, what: str, *, by: str, link: str) -> MailText:
    return MailText(
        f"The owners of {org} changed",
        f"{by} made a change, which took effect immediately: {what}.\n\n{link}\n\n"
        "If this is a mistake, contact the operator of the registry.\n",
    )


def owner_change_cancelled_mail(org: str, what: str, *, by: str, link: str) -> MailText:
    return MailText(
        f"Change to the owners of {org} canceled",
        f"{by} canceled a requested change: {what}.\n\n{link}\n",
    )


def organization_deletion_mail(org: str, *, by: str, at_ms: int, link: str) -> MailText:
    return MailText(
        f"The organization {org} will be deleted",
        f"{by} requested the deletion of the organization {org}. Nobody can publish to it any "
        f"more. It will be deleted on {time_text(at_ms)}, and its name becomes available again "
        f"a day later. Until then, any owner can cancel the deletion:\n\n{link}\n",
    )


def organization_deletion_cancelled_mail(org: str, *, by: str, link: str) -> MailText:
    return MailText(
        f"Deletion of the organization {org} canceled",
        f"{by} canceled the deletion of the organization {org}:\n\n{link}\n",
    )


def new_device_mail(name: str, url: str, *, agent: str, address: str) -> MailText:
    return MailText(
        mail_line(f"{name}: new sign-in"),
        f"""\
A browser that was not used with the account {name} before signed in:

  {mail_line(agent) or "unknown browser"}
  IP address: {address or "unknown"}

If this was you, there is nothing to do. If not, end the session at
{url}/account/sessions, and secure the account at your identity provider.
""",
    )


def identity_linked_mail(name: str, url: str, *, label: str, provider: str) -> MailText:
    return MailText(
        mail_line(f"{name}: sign-in method added"),
        f"""\
{mail_line(label)} ({provider}) can now sign in as {name}.

If you did not do this, remove it at {url}/account/identities, and end all other
sessions at {url}/account/sessions.
""",
    )


def identity_removed_mail(name: str, url: str, *, label: str, provider: str) -> MailText:
    return MailText(
        mail_line(f"{name}: sign-in method removed"),
        f"""\
{mail_line(label)} ({provider}) can no longer sign in as {name}.

If you did not do this, check your account immediately: {url}/account/security
""",
    )


def session_copied_mail(name: str, url: str) -> MailText:
    """Tell that a session's cookie was used from two places."""
    return MailText(
        mail_line(f"{name}: session ended"),
        f"""\
A session of {name} was ended because its cookie was used from two places. Somebody may
have copied it. Sign in again, and check your sessions and access tokens at
{url}/account/security.
""",
    )


def leaked_token_mail(token: Token, found_at: str, page_of_tokens: str) -> MailText:
    where = f"It was found at {found_at}\n\n" if found_at else ""
    text = (
        f"{_named(token)} was found in a public place and was revoked immediately.\n\n"
        f"{where}"
        f"Scopes: {describe_grants(token.grants)}.\n\n"
        "Check the releases that were published since then. Remove the token from the place where "
        f"it was found, and create a new one if you need it: {page_of_tokens}\n"
    )
    return MailText(f"The token {token.name} leaked and was revoked", text)


def token_expiry_mail(token: Token, page_of_tokens: str) -> MailText:
    day = _day(token.expires_ms)
    text = (
        f"{_named(token)} expires on {day}. Everything that uses it stops working then.\n\n"
        f"If it is still needed, rotate it in time: {page_of_tokens}\n"
        "If not, there is nothing to do.\n"
    )
    return MailText(f"The token {token.name} expires on {day}", text)


def _named(token: Token) -> str:
    whose = f" of the organization {token.org}" if token.org else ""
    return f"The access token {token.name} ({token.id}){whose}"


def _day(at_ms: int | None) -> str:
    return datetime.fromtimestamp((at_ms or 0) // 1000, UTC).strftime("%d %B %Y")


_MEANING = {
    State.LIVE: "Anyone who can see its package can find and pull it again.",
    State.HELD: "Nobody can see or pull it until the operator restores it.",
    State.QUARANTINED: (
        "It may be harmful, so nobody can see or pull it until the operator has reviewed it. "
        "Copies that were pulled before still exist."
    ),
    State.REMOVED: (
        "Nobody can pull it any more, and its version cannot be published again. Copies that were "
        "pulled before still exist."
    ),
}
_WORDS = {
    State.LIVE: "restored",
    State.HELD: "held",
    State.QUARANTINED: "quarantined",
    State.REMOVED: "permanently removed",
}


def moderation_mail(release: Release, organization_page: str) -> MailText:
    words = _WORDS[release.state]
    reason = f"Reason: {_printable(release.state_reason)}\n\n" if release.state_reason else ""
    if public := release.public_reason:
        title, sentence = WITHDRAWAL_TITLES[public.why]
        note = f" {_printable(public.note)}" if public.note else ""
        reason += f"Public reason: {title}. {sentence}{note}\n\n"
    text = (
        f"{release.coordinate} was {words} by the operator of the registry. "
        f"{_MEANING[release.state]}\n\n"
        f"{reason}"
        f"If this is a mistake, contact the operator. Your organization: {organization_page}\n"
    )
    return MailText(f"{release.coordinate} was {words}", text)


def held_release_mail(release: Release, held_releases_page: str) -> MailText:
    """Tell owners that a release of a burst is held, and how to decide on it."""
    text = (
        f"{release.coordinate} was published together with many other packages within minutes, so "
        "it is held, and so are the releases that follow it: nobody can see or pull them.\n\n"
        f"It was published by {release.origin.principal} with the credential "
        f"{release.origin.credential}.\n\n"
        "If you published them, sign in and confirm them, all at once or one by one. If not, "
        "revoke that credential immediately, refuse the releases, and tell the operator of the "
        "registry.\n\n"
        f"Held releases: {held_releases_page}\n"
    )
    return MailText(f"Held releases of {release.org} need confirmation", text)


def _printable(text: str) -> str:
    """Return text without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def account_created_mail(name: str, url: str, *, link: str) -> MailText:
    """Invite a person to the account that an administrator created for them."""
    return MailText(
        mail_line(f"{name}: your account at {url}"),
        f"""\
An administrator created the account {name} for you at {url}, a registry
of Ballerina packages. Open this link within an hour to sign in; it works once:

{link}

Then link an identity provider, so that you can sign in again: {url}/account/identities

If you did not expect this, you can ignore it.
""",
    )


def account_locked_mail(name: str, url: str) -> MailText:
    """Tell that an account is locked, but not why: others may read the mail."""
    return MailText(
        mail_line(f"{name}: your account is locked"),
        f"""\
An administrator locked the account {name} at {url}. Its sessions have ended, and
sign-in and its tokens are refused until it is unlocked. Releases that you published stay.

Ask an administrator of the registry for the reason and how to proceed.
""",
    )


def account_unlocked_mail(name: str, url: str) -> MailText:
    return MailText(
        mail_line(f"{name}: your account is unlocked"),
        f"""\
You can sign in as {name} again, and tokens that were not revoked work again. Check your
access tokens and security events at {url}/account/security.
""",
    )


def administrators_changed_mail(name: str, url: str, *, by: str, is_one: bool) -> MailText:
    what = "an administrator" if is_one else "no longer an administrator"
    return MailText(
        mail_line(f"{name} is {what}"),
        f"""\
{by} made a change: {name} is {what} of the registry at {url}.

If this is unexpected, check who is an administrator: {url}/manage/accounts
""",
    )
