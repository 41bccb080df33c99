"""/account/organizations/{org}/publishers: which jobs of CI systems publish its packages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import azure.functions as func

from functions._forms import Form
from functions._organization_pages import ROUTE, Decide, Forms, Frame, framed, org_of, show
from functions._paging import Pager
from functions._visits import Problem, Visit, Visits
from shared.domain.names import OrgName, Package
from shared.domain.pipelines import pipeline
from shared.domain.publishers import RULES
from shared.domain.workloads import ID_CLAIMS, Provider
from shared.registry import Registry
from shared.services.trusted_publishers import PublisherRequest

SHOWN = 50  # Publishers on one page; an organization has a thousand at most.

# Where people find the ids that a provider never gives twice.
WHERE = {
    Provider.GITHUB: "gh api repos/octo/greet --jq '.id, .owner.id'",
    Provider.GITLAB: "curl -s https://gitlab.com/api/v4/projects/octo%2Fgreet",
    Provider.AZURE_DEVOPS: "az pipelines show --name Release --query '[project.id, id]'",
    Provider.ENTRA: "az identity show --name release --resource-group ci",
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of trusted publishers."""
    bp, visits = func.Blueprint(), Visits(registry)

    @bp.route(f"{ROUTE}/publishers", methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_publishers(visit: Visit) -> func.HttpResponse:
        return await _show(registry, visit)

    Forms(registry, _show, "/publishers").add(bp, DECISIONS)
    return bp


async def _show(
    registry: Registry, visit: Visit, problem: Problem | None = None
) -> func.HttpResponse:
    frame, org = await framed(registry, visit, "publishers"), org_of(visit)
    publishers = await registry.trusted_publishers.of(org, by=visit.principal)
    publishers.sort(key=lambda each: (each.package.lower(), each.created_ms))
    pager = Pager.of(len(publishers), SHOWN, frame.address("publishers"), visit.query)
    return show(
        visit,
        frame,
        problem,
        publishers=publishers[pager.offset : pager.offset + SHOWN],
        pager=pager,
        choice=_choice(registry, visit, frame),
        typed=visit.form if problem else Form(),
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """The CI system whose publishers the form adds, and what its form asks for."""

    provider: Provider
    servers: Sequence[str]
    tabs: Sequence[tuple[str, str, str]]
    pipeline: str

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        """Return its servers as a form offers them."""
        return [(each, each) for each in self.servers]

    @property
    def claims(self) -> Iterable[str]:
        """Return the ids that it never gives twice."""
        return ID_CLAIMS[self.provider]

    @property
    def rules(self) -> frozenset[str]:
        """Return what its tokens say of a run, so that it can be a rule."""
        return RULES[self.provider]

    @property
    def where(self) -> str:
        """Return the command that tells the ids."""
        return WHERE[self.provider]


def _choice(registry: Registry, visit: Visit, frame: Frame) -> Choice | None:
    """Return the provider that is chosen, else the first; None where the registry takes no jobs."""
    known = registry.trusted_publishers.servers
    providers = [each for each in Provider if known.get(each)]
    if not providers:
        return None
    asked = visit.form.text("provider") or visit.query.get("provider", "")
    chosen = next((each for each in providers if each.value == asked), providers[0])
    text = pipeline(chosen, registry.settings.base_url, frame.organization.name)
    return Choice(chosen, sorted(known[chosen]), _tabs(frame, providers), text)


def _tabs(frame: Frame, providers: Sequence[Provider]) -> list[tuple[str, str, str]]:
    path = frame.address("publishers")
    return [(each.value, f"{path}?provider={each.value}#add", each.title) for each in providers]


async def _add(registry: Registry, visit: Visit, org: OrgName) -> None:
    await registry.trusted_publishers.add(_wanted(visit.form, org), by=visit.principal)


async def _remove(registry: Registry, visit: Visit, org: OrgName) -> None:
    publisher = visit.form.text("publisher")
    await registry.trusted_publishers.remove(org, publisher, by=visit.principal)


# What a form does, by its path.
DECISIONS: dict[str, Decide] = {"publishers/add": _add, "publishers/remove": _remove}


def _wanted(form: Form, org: OrgName) -> PublisherRequest:
    provider = _provider(form)
    rules: dict[str, object] = {
        "workflow": form.text("workflow"),
        "reusable_workflow": form.text("reusable_workflow"),
        "refs": form.text("refs").split(),
        "environment": form.text("environment"),
        "protected": bool(form.all("protected")),
    }
    return PublisherRequest(
        package=Package.parse(org, form.text("package")),
        provider=provider,
        ids={claim: form.text(claim) for claim in ID_CLAIMS[provider]},
        server=form.text("server"),
        repository=form.text("repository"),
        rules=rules,
    )


def _provider(form: Form) -> Provider:
    names = ", ".join(each.value for each in Provider)
    otherwise = f"There is no such CI system. Choose among {names}."
    return form.choice("provider", Provider, otherwise)
