"""Pages below /manage: for administrators of the registry; for everybody else nothing is there."""

from collections.abc import Callable
from dataclasses import dataclass

import azure.functions as func

from functions._http import Handler
from functions._visits import Page, PageAgain, Problem, Visit, Visits
from shared.domain.administration_errors import NotMeant
from shared.domain.errors import PageNotFound
from shared.domain.token_texts import without_tokens
from shared.registry import Registry

LONGEST = 254  # Characters that somebody looks for: a mail address has no more.


@dataclass(frozen=True, slots=True)
class Managing:
    """Makes Functions of pages for administrators.

    What they may is the matter of the services; this only keeps the pages from everybody else.
    """

    registry: Registry

    def page(self, page: Page) -> Handler:
        """Show the page to administrators; whoever is not signed in is told how to."""
        return Visits(self.registry).page(_for_administrators(page))

    def form(self, again: PageAgain) -> Callable[[Page], Handler]:
        """Return a decorator for what takes a form: a refusal is shown beside it, `again`."""
        decorate = Visits(self.registry).form(_again_for_administrators(again))
        return lambda page: decorate(_for_administrators(page))

    def switch(self, again: PageAgain) -> Callable[[Page], Handler]:
        """Return a decorator as `form` does, for what works while no changes are taken as well."""
        decorate = Visits(self.registry).switch(_again_for_administrators(again))
        return lambda page: decorate(_for_administrators(page))


def require_meant(visit: Visit, name: str) -> None:
    """Raise `NotMeant` unless the form says the name of what is decided about.

    What cannot be taken back, or makes others strong, is asked for twice.
    """
    if visit.form.text("name") != name:
        raise NotMeant(name)


def _for_administrators(page: Page) -> Page:
    async def shown(visit: Visit) -> func.HttpResponse:
        _require_administrator(visit)
        return await page(visit)

    shown.__name__ = page.__name__
    return shown


def _again_for_administrators(again: PageAgain) -> PageAgain:
    async def refused(visit: Visit, problem: Problem) -> func.HttpResponse:
        _require_administrator(visit)
        return await again(visit, problem)

    return refused


def _require_administrator(visit: Visit) -> None:
    if not visit.account.administrator:
        raise PageNotFound(without_tokens(visit.path))
