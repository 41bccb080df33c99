"""Pages for administrators; for everybody else there is nothing at these addresses."""

from collections.abc import Callable
from dataclasses import dataclass

import azure.functions as func

from functions.http.handlers import Handler
from functions.http.signed_in_pages import (
    FormProblem,
    RefusedFormHandler,
    SignedInPageHandler,
    SignedInPages,
    SignedInRequest,
)
from shared.composition import Registry
from shared.domain.errors.organizations import NotMeant
from shared.domain.errors.requests import PageNotFound
from shared.domain.secrets import redact_tokens

MAX_SEARCH_LENGTH = 254  # Characters that somebody looks for: a mail address has no more.


@dataclass(frozen=True, slots=True)
class AdministratorPages:
    """Makes Functions of pages for administrators.

    What they may is the matter of the services; this only keeps the pages from everybody else.
    """

    registry: Registry

    def page(self, page: SignedInPageHandler) -> Handler:
        """Show the page to administrators; whoever is not signed in is told how to."""
        return SignedInPages(self.registry).page(_for_administrators(page))

    def form(self, again: RefusedFormHandler) -> Callable[[SignedInPageHandler], Handler]:
        """Return a decorator for what takes a form: a refusal is shown beside it, `again`."""
        decorate = SignedInPages(self.registry).form(_again_for_administrators(again))
        return lambda page: decorate(_for_administrators(page))

    def form_in_read_only_mode(
        self, again: RefusedFormHandler
    ) -> Callable[[SignedInPageHandler], Handler]:
        """Return a decorator as `form` does, for what works while no changes are taken as well."""
        decorate = SignedInPages(self.registry).form_in_read_only_mode(
            _again_for_administrators(again)
        )
        return lambda page: decorate(_for_administrators(page))


def require_confirmation(visit: SignedInRequest, name: str) -> None:
    """Raise `NotMeant` unless the form says the name of what is decided about.

    What cannot be taken back, or makes others strong, is asked for twice.
    """
    if visit.form.text("name") != name:
        raise NotMeant(name)


def _for_administrators(page: SignedInPageHandler) -> SignedInPageHandler:
    async def shown(visit: SignedInRequest) -> func.HttpResponse:
        _require_administrator(visit)
        return await page(visit)

    shown.__name__ = page.__name__
    return shown


def _again_for_administrators(again: RefusedFormHandler) -> RefusedFormHandler:
    async def refused(visit: SignedInRequest, problem: FormProblem) -> func.HttpResponse:
        _require_administrator(visit)
        return await again(visit, problem)

    return refused


def _require_administrator(visit: SignedInRequest) -> None:
    if not visit.account.administrator:
        raise PageNotFound(redact_tokens(visit.path))
