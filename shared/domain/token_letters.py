"""What people are told of their tokens by mail."""

from datetime import UTC, datetime

from shared.domain.mails import Letter
from shared.domain.tokens import Token, described


def leaked_letter(token: Token, found_at: str, page_of_tokens: str) -> Letter:
    """Tell that a token was found in the open, and what to do now."""
    where = f"It was found at {found_at}\n\n" if found_at else ""
    text = (
        f"{_named(token)} was found where others can read it, and it was revoked at once.\n\n"
        f"{where}"
        f"It allowed: {described(token.grants)}.\n\n"
        "Look through what was published since then. Remove the token from where it was found, "
        f"and make a new one if something needs it: {page_of_tokens}\n"
    )
    return Letter(f"The token {token.name} leaked and was revoked", text)


def ending_letter(token: Token, page_of_tokens: str) -> Letter:
    """Tell that a token ends soon."""
    day = _day(token.expires_ms)
    text = (
        f"{_named(token)} ends on {day}. From then on, whatever uses it is refused.\n\n"
        f"If something still needs it, give it a new text in time: {page_of_tokens}\n"
        "If nothing does, there is nothing to do.\n"
    )
    return Letter(f"The token {token.name} ends on {day}", text)


def _named(token: Token) -> str:
    whose = f" of the organization {token.org}" if token.org else ""
    return f"The access token {token.name} ({token.id}){whose}"


def _day(at_ms: int | None) -> str:
    return datetime.fromtimestamp((at_ms or 0) // 1000, UTC).strftime("%d %B %Y")
