"""What people are told by mail about how they sign in."""

from shared.domain.mails import Letter, one_line


def new_device(name: str, url: str, *, agent: str, address: str) -> Letter:
    """Tell of a sign-in with a browser that was not seen before."""
    return Letter(
        one_line(f"{name}: a new browser is signed in"),
        f"""\
Somebody signed in as {name} with a browser that was not used for it before:

  {one_line(agent) or "a browser without a name"}
  from {address or "an unknown address"}

If that was you, there is nothing to do. If not, end the session at
{url}/account, and look after the account that you sign in with.
""",
    )


def identity_linked(name: str, url: str, *, label: str, provider: str) -> Letter:
    """Tell of a new way to sign in."""
    return Letter(
        one_line(f"{name}: a new way to sign in"),
        f"""\
{one_line(label)} ({provider}) can sign in as {name} from now on.

If you did not do this, remove it at {url}/account and end every session there.
""",
    )


def identity_removed(name: str, url: str, *, label: str, provider: str) -> Letter:
    """Tell of a way to sign in that is closed."""
    return Letter(
        one_line(f"{name}: a way to sign in is gone"),
        f"""\
{one_line(label)} ({provider}) can no longer sign in as {name}.

If you did not do this, look at {url}/account at once.
""",
    )


def session_copied(name: str, url: str) -> Letter:
    """Tell of a cookie that was in two places."""
    return Letter(
        one_line(f"{name}: a session was ended"),
        f"""\
A session of {name} was ended because its cookie was used from two places, as it is when
somebody has copied it. Sign in again, and look through your sessions and tokens at
{url}/account.
""",
    )
