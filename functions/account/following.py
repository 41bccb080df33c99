"""/account/following: what the account follows; …/leave and …/end/{mail}: the links of mail to
followers, which end it without a sign-in."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from functions.html.anonymous_forms import browser_csrf_token, browser_form
from functions.html.pages import PageCall, Pages, RefusalPage
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.auth.authentication import RequestClient
from shared.domain.client_addresses import caller_network
from shared.domain.errors.base import NotFound, about_field
from shared.domain.following import LeaveLinkNotFound, LinkUse, parse_followed, parse_pace
from shared.domain.one_time_links import code_of
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.runtime.answers import Answer

FOLLOWING = "account/following"
LEAVE = f"{FOLLOWING}/leave"
END = f"{FOLLOWING}/end/{{mail}}"
_LEAVE_TEMPLATE = "account/following_leave.html"
_END_TEMPLATE = "account/following_end.html"


class LeavePages(Pages[PageCall]):
    """Pages for whoever has the link of a mail; nobody signs in for them."""

    call_type = PageCall


pages = SignedInPages()
leave_pages = LeavePages()
FACES = (pages, leave_pages)


@pages.read(FOLLOWING)
async def account_following(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    return call.show(
        "account/following.html",
        problem,
        account=call.account,
        follows=await call.registry.packages.following.list_own(by=call.caller),
        typed_target=call.form.text("target"),
    )


@pages.form(
    f"{FOLLOWING}/follow",
    account_following,
    done="Saved. Mail about new releases, withdrawals and advisories begins now.",
    name="account_following_follow",
)
async def account_following_follow(call: SignedInCall) -> None:
    followed = parse_followed(call.form.text("target"))
    pace = parse_pace(call.form.text("pace"))
    with about_field("target", NotFound):
        await call.registry.packages.following.follow(followed, pace, by=call.caller)


@pages.form(
    f"{FOLLOWING}/unfollow",
    account_following,
    done="You no longer follow it.",
    name="account_following_unfollow",
)
async def account_following_unfollow(call: SignedInCall) -> None:
    followed = parse_followed(call.form.text("target"))
    await call.registry.packages.following.unfollow(followed, by=call.caller)


@leave_pages.read(LEAVE, serves_anonymous_always=True)
async def account_following_leave_page(call: PageCall) -> Answer:
    """Show the field for the code, which the script fills in from the fragment and posts."""
    return call.page(_LEAVE_TEMPLATE, problem=None, csrf=await browser_csrf_token(call), link=None)


@leave_pages.change(LEAVE, serves_anonymous_always=True)
async def account_following_leave(call: PageCall) -> Answer:
    """Show what a mail is about, or end it.

    The script posts the code that shows it: programs that check links run scripts, and end
    nothing.
    """
    await _count(call)
    form = await browser_form(call)
    code = code_of(form.text("code"))
    following = call.registry.packages.following
    csrf = await browser_csrf_token(call)
    try:
        with about_field("code", NotFound):
            async with _counting_failures(call, code):
                if form.text("step") == "show":
                    link = await following.peek(code, LinkUse.PAGE)
                    return call.page(_LEAVE_TEMPLATE, problem=None, csrf=csrf, link=link, code=code)
                ended = await following.leave(code, form.text("followed"))
    except LeaveLinkNotFound as refusal:
        values = {"csrf": csrf, "problem": FormProblem.of(refusal), "link": None}
        call.refusal_page = RefusalPage(_LEAVE_TEMPLATE, values)
        raise
    what = form.text("followed") or ", ".join(ended.followed)
    return call.message("Mail ended", f"You will no longer get mail about {what}.")


@leave_pages.read(END, serves_anonymous_always=True)
async def account_following_end_page(call: PageCall) -> Answer:
    """Show the button: programs open addresses to check them, and end nothing (RFC 8058)."""
    code = call.route_params["mail"]
    async with _counting_failures(call, code):
        await call.registry.packages.following.peek(code, LinkUse.ONE_CLICK)
    return call.page(_END_TEMPLATE)


@leave_pages.change(END, serves_anonymous_always=True)
async def account_following_end(call: PageCall) -> Answer:
    """End the mail that names this address. Mail programs post to it without a cookie, so no form
    protects it: its code can do nothing else."""
    await _count(call)
    code = call.route_params["mail"]
    async with _counting_failures(call, code):
        await call.registry.packages.following.end_mail(code)
    return call.message("Mail ended", "You will no longer get mail of this kind.")


async def _count(call: PageCall) -> None:
    await call.count(RateLimitClass.WRITE, RateLimitKeys(address=caller_network(_address(call))))


@asynccontextmanager
async def _counting_failures(call: PageCall, code: str) -> AsyncGenerator[None]:
    """Count a code that no link has as a guess."""
    try:
        yield
    except LeaveLinkNotFound:
        await call.registry.limits.rate_limiter.count_failure(_address(call), code)
        raise


def _address(call: PageCall) -> str:
    return RequestClient.of(call.headers, call.registry.settings.proxies).address
