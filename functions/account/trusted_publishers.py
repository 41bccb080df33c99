"""/account/organizations/{org}/publishers: the trusted publishers of an organization."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from urllib.parse import urlsplit

from msgspec import Struct

from functions.account.organization import ORGANIZATION_ROUTE, OrganizationFrame, organization_frame
from functions.http.pages import TEMPLATES
from functions.http.pagination import Pager
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.client_addresses import is_loopback
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.names import OrgName, Package
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, Provider
from shared.domain.trusted_publishing.publishers import RULE_NAMES
from shared.runtime.answers import Answer
from shared.services.tokens.trusted_publishers import LOOKED_UP_PROVIDERS, PublisherRequest

PUBLISHERS_PER_PAGE = 50  # An organization has a thousand at most.

# Commands that print the ids that a provider never reuses.
ID_COMMANDS = {
    Provider.GITHUB: "gh api repos/octo/greet --jq '.id, .owner.id'",
    Provider.GITLAB: "curl -s https://gitlab.com/api/v4/projects/octo%2Fgreet",
    Provider.AZURE_DEVOPS: "az pipelines show --name Release --query '[project.id, id]'",
}

# The rules that the pipelines of the examples comply with, by the names of their fields.
PIPELINE_RULES: Mapping[Provider, Mapping[str, str]] = {
    Provider.GITHUB: {"workflow": "release.yml", "refs": "refs/tags/v*", "environment": "release"},
    Provider.GITLAB: {"refs": "refs/tags/v*", "environment": "release"},
    Provider.AZURE_DEVOPS: {"refs": "refs/heads/main"},
}

# Where a CI system reads the pipeline.
PIPELINE_FILES = {
    Provider.GITHUB: ".github/workflows/release.yml",
    Provider.GITLAB: ".gitlab-ci.yml",
    Provider.AZURE_DEVOPS: "azure-pipelines.yml",
}


pages = SignedInPages()
FACES = (pages,)


@pages.read(f"{ORGANIZATION_ROUTE}/publishers")
async def account_organization_publishers(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame, org = await organization_frame(call, "publishers"), call.org
    publishers = await call.registry.tokens.trusted_publishers.of_organization(org, by=call.caller)
    publishers.sort(key=lambda each: (each.package.lower(), each.created_ms))
    path = frame.address("publishers")
    pager = Pager.of(len(publishers), PUBLISHERS_PER_PAGE, path, call.params)
    shown = pager.slice(publishers)
    return frame.show(
        problem,
        publishers=shown,
        makers=await call.registry.tokens.makers.of(org, [each.by for each in shown]),
        pager=pager,
        choice=provider_form(call, frame),
    )


class ProviderForm(Struct, frozen=True):
    """The form that adds a publisher of one CI system."""

    provider: Provider
    servers: Sequence[str]
    tabs: Sequence[tuple[str, str, str]]
    pipeline: str
    local_url: str  # The address of the registry, if only its own machine can reach it.

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        """The values and labels of the servers for a select field."""
        return [(each, each) for each in self.servers]

    @property
    def claims(self) -> Iterable[str]:
        """The names of the claims with ids that are never reused."""
        return ID_CLAIMS[self.provider]

    @property
    def rules(self) -> frozenset[str]:
        """The names of the claims that rules can require."""
        return RULE_NAMES[self.provider]

    @property
    def looks_up(self) -> bool:
        """Whether the registry can look the ids up by the name of the repository."""
        return self.provider in LOOKED_UP_PROVIDERS

    @property
    def defaults(self) -> Mapping[str, str]:
        """The rules that fit the pipeline, by the names of their fields."""
        return PIPELINE_RULES.get(self.provider, {})

    @property
    def file(self) -> str:
        """The file of the repository that has the pipeline; empty for commands of any job."""
        return PIPELINE_FILES.get(self.provider, "")

    @property
    def where(self) -> str:
        """The command that prints the ids."""
        return ID_COMMANDS[self.provider]


def provider_form(call: SignedInCall, frame: OrganizationFrame) -> ProviderForm | None:
    """Return the form of the chosen provider, else of the first; None if none is configured."""
    known = call.registry.tokens.trusted_publishers.servers
    providers = [each for each in Provider if known.get(each)]
    if not providers:
        return None
    asked = call.form.text("provider") or call.params.get("provider", "")
    chosen = next((each for each in providers if each.value == asked), providers[0])
    url = call.registry.settings.base_url
    text = pipeline(chosen, url, frame.organization.name)
    local_url = url if is_loopback(urlsplit(url).hostname or "") else ""
    return ProviderForm(chosen, sorted(known[chosen]), _tabs(frame, providers), text, local_url)


def _tabs(frame: OrganizationFrame, providers: Sequence[Provider]) -> list[tuple[str, str, str]]:
    path = frame.address("publishers")
    return [(each.value, f"{path}?provider={each.value}#add", each.title) for each in providers]


@pages.form(
    f"{ORGANIZATION_ROUTE}/publishers/add",
    account_organization_publishers,
    done="Trusted publisher added. The next run of its workflow can publish.",
)
async def account_organization_publishers_add(call: SignedInCall) -> None:
    publishers = call.registry.tokens.trusted_publishers
    wanted = _parse_publisher(call.form, call.org)
    if any(wanted.ids.values()):
        await publishers.add(wanted, by=call.caller)
    else:
        await publishers.add_repository(wanted, by=call.caller)


@pages.form(
    f"{ORGANIZATION_ROUTE}/publishers/confirm",
    account_organization_publishers,
    done="Trusted publisher confirmed. You are its maker now.",
)
async def account_organization_publishers_confirm(call: SignedInCall) -> None:
    publisher = call.form.text("publisher")
    await call.registry.tokens.trusted_publishers.confirm(call.org, publisher, by=call.caller)


@pages.form(
    f"{ORGANIZATION_ROUTE}/publishers/remove",
    account_organization_publishers,
    done="Trusted publisher removed. Its jobs get no more tokens.",
)
async def account_organization_publishers_remove(call: SignedInCall) -> None:
    publisher, reason = call.form.text("publisher"), call.form.text("reason")
    await call.registry.tokens.trusted_publishers.remove(
        call.org, publisher, by=call.caller, reason=reason
    )


def _parse_publisher(form: Form, org: OrgName) -> PublisherRequest:
    names = ", ".join(each.value for each in Provider)
    otherwise = f"There is no such CI system. Choose one of {names}."
    provider = form.choice("provider", Provider, otherwise)
    if not form.text("package"):
        message = "Enter the name of the package."
        with about_field("package"):
            raise InvalidRequest(message)
    ids = {claim: form.text(claim) for claim in ID_CLAIMS[provider]}
    if not any(ids.values()) and not form.text("repository"):
        message = (
            "Enter the repository as owner/name, or enter its ids."
            if provider in LOOKED_UP_PROVIDERS
            else f"Enter {' and '.join(ids)}, which identify the job."
        )
        raise InvalidRequest(message)
    with about_field("package"):
        package = Package.parse(org, form.text("package"))
    rules: dict[str, object] = {
        "workflow": form.text("workflow"),
        "reusable_workflow": form.text("reusable_workflow"),
        "refs": form.text("refs").split(),
        "environment": form.text("environment"),
        "protected": bool(form.all("protected")),
    }
    return PublisherRequest(
        package=package,
        provider=provider,
        ids=ids,
        server=form.text("server"),
        repository=form.text("repository"),
        rules=rules,
    )


# Pipelines that publish without a stored secret: examples, in which the registry and the
# organization are replaced. docs/use/trusted-publishing.md shows the same.
EXAMPLE_URL = "https://ballroom.example.org"
EXAMPLE_ORG = '"org":"acme"'

_PIPELINES = {
    Provider.GITHUB: "github.yml",
    Provider.GITLAB: "gitlab.yml",
    Provider.AZURE_DEVOPS: "azure-devops.yml",
}


def pipeline(provider: Provider, url: str, org: str) -> str:
    """Return the pipeline with which jobs of the provider publish packages of `org`."""
    text = _example(_PIPELINES[provider])
    return text.replace(EXAMPLE_URL, url).replace(EXAMPLE_ORG, f'"org":"{org}"')


@cache
def _example(name: str) -> str:
    return (TEMPLATES / "pipelines" / name).read_text("utf-8")
