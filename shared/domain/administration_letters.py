"""What people are told by mail of what administrators do."""

from shared.domain.mails import Letter, one_line


def account_locked(name: str, url: str) -> Letter:
    """Tell somebody that their account is locked; never why, as the mail may be read by others."""
    return Letter(
        one_line(f"{name}: your account is locked"),
        f"""\
An administrator has locked the account {name} at {url}. Nobody signs in to it, its
sessions are ended, and its tokens are refused until it is unlocked. What you published stays.

Ask an administrator of the registry why, and what to do now.
""",
    )


def account_unlocked(name: str, url: str) -> Letter:
    """Tell somebody that they can go on."""
    return Letter(
        one_line(f"{name}: your account is unlocked"),
        f"""\
You can sign in as {name} again, and the tokens that were not revoked count again. Look
through your tokens, and through what happened, at {url}/account.
""",
    )


def administrators_changed(name: str, url: str, *, by: str, is_one: bool) -> Letter:
    """Tell administrators who became one of them, or is none any more."""
    what = "an administrator" if is_one else "no administrator any more"
    return Letter(
        one_line(f"{name} is {what}"),
        f"""\
{by} has decided that {name} is {what} of the registry at {url}.
This counts from now on.

If nobody of you wanted this, lock the account of whoever decided it: {url}/manage/accounts
""",
    )
