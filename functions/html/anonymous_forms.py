"""Forms for people who need not be signed in, and how they are protected from other sites (CSRF): a
cookie names the browser, and a form without the token of that name is refused.

Forms of people who are signed in are checked in `signed_in_pages.py`.
"""

from functions.html.pages import PageCall
from functions.http.body_parsing import Form, form_of
from shared.domain.errors.base import Invalid


def browser_name(call: PageCall) -> str:
    """Return the name of the browser; if it has none, the answer sets one as a cookie."""
    name, cookie = call.registry.identity.browsers.name_or_create(call.headers)
    call.cookies.append(cookie)
    return name


async def browser_csrf_token(call: PageCall) -> str:
    """Return the CSRF token for a form of the page; raise `SigningKeyUnavailable`."""
    browsers = call.registry.identity.browsers
    await browsers.ready()
    return browsers.csrf_token(browser_name(call))


async def browser_form(call: PageCall) -> Form:
    """Return the submitted form; raise `form-of-another-page` without the CSRF token of the
    browser, and `SigningKeyUnavailable`."""
    browsers = call.registry.identity.browsers
    form = form_of(call)
    await browsers.ready()
    if not browsers.is_csrf_token_valid(browsers.name(call.headers), form.text("csrf")):
        raise form_of_another_page()
    return form


def form_of_another_page() -> Invalid:
    return Invalid(
        "form-of-another-page",
        "This form is not from a page of this browser, or the page was open for too long. Open "
        "the page or the link again, and allow cookies of this registry.",
    )
