"""Visits: pages that somebody signed in looks at, and forms that are sent from one of them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import azure.functions as func

from functions._api import STATUS
from functions._forms import Form, form_of
from functions._http import Handler, headers_of, path_of, when_again
from functions._pages import Visitor, pages_of, render
from functions._sign_in import sign_in_page
from functions._visitors import signed_in
from shared.domain.accounts import Account
from shared.domain.errors import FormForeign, Refusal, SignInAgain
from shared.domain.identity import Principal
from shared.domain.rates import Keys, OperationClass
from shared.registry import Registry


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a form was refused, as its page shows it."""

    sentence: str
    status: int
    asks_to_sign_in: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])  # When to come again.

    @classmethod
    def of(cls, refusal: Refusal) -> "Problem":
        """Show a refusal."""
        is_stale = isinstance(refusal, SignInAgain)
        return cls(str(refusal), STATUS[refusal.kind], is_stale, when_again(refusal))


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody signed in: who they are, and what they ask for.

    `path` is the address without its query. `form` is what they have sent, from a page of this
    session; empty where a page is asked for.
    """

    account: Account
    principal: Principal
    visitor: Visitor
    path: str
    route: Mapping[str, str]
    query: Mapping[str, str]
    form: Form

    def show(
        self, template: str, problem: Problem | None = None, **values: object
    ) -> func.HttpResponse:
        """Return a page of theirs; a problem gives it its status."""
        return render(
            template,
            status=problem.status if problem else 200,
            headers=problem.headers if problem else None,
            visitor=self.visitor,
            problem=problem,
            **values,
        )


Page = Callable[[Visit], Awaitable[func.HttpResponse]]
PageAgain = Callable[[Visit, Problem], Awaitable[func.HttpResponse]]


@dataclass(frozen=True, slots=True)
class Visits:
    """Makes Functions of pages that are somebody's own."""

    registry: Registry

    def page(self, page: Page) -> Handler:
        """Show the page to whoever is signed in, and to everybody else how to."""
        return self._function(page, lambda _req, _by: Form())

    def form(self, again: PageAgain) -> Callable[[Page], Handler]:
        """Return a decorator for what takes a form: a refusal is shown beside it, `again`.

        Raises `FormForeign` for a form that no page of the session has shown.
        """
        return lambda page: self._form(self._counted(page), again)

    def switch(self, again: PageAgain) -> Callable[[Page], Handler]:
        """Return a decorator as `form` does, for what works while no changes are taken as well."""
        return lambda page: self._form(page, again)

    def _counted(self, page: Page) -> Page:
        async def counted(visit: Visit) -> func.HttpResponse:
            await self.registry.limiting.check(OperationClass.WRITE, Keys.of(visit.principal))
            return await page(visit)

        counted.__name__ = page.__name__
        return counted

    def _form(self, page: Page, again: PageAgain) -> Handler:
        async def answered(visit: Visit) -> func.HttpResponse:
            try:
                return await page(visit)
            except Refusal as refusal:
                return await again(visit, Problem.of(refusal))

        answered.__name__ = page.__name__
        return self._function(answered, self._sent)

    def _function(self, page: Page, read: Callable[[func.HttpRequest, Principal], Form]) -> Handler:
        async def visited(req: func.HttpRequest) -> func.HttpResponse:
            found = await signed_in(headers_of(req), self.registry)
            if found is None:
                return sign_in_page(req, self.registry)
            form = read(req, found.principal)
            who = (found.account, found.principal, found.visitor)
            asked = (path_of(req), dict(req.route_params), dict(req.params))
            return await page(Visit(*who, *asked, form))

        # By hand: the host would look through `functools.wraps` and miss the request.
        visited.__name__ = page.__name__
        return pages_of(self.registry)(visited)

    def _sent(self, req: func.HttpRequest, by: Principal) -> Form:
        form = form_of(req)
        if not self.registry.sessions.csrf_fits(by, form.text("csrf")):
            raise FormForeign
        return form
