"""/account/organizations/{org}/publishers: the trusted publishers of an organization."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from msgspec import Struct

from functions.account.organization import ORGANIZATION_ROUTE, OrganizationFrame, organization_frame
from functions.html.numbered_pages import Pager
from functions.html.pipelines import RenderedPipeline, render_pipeline
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.auth.secrets import Secret
from shared.domain.client_addresses import is_loopback
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, RUN_CLAIMS, Provider
from shared.domain.trusted_publishing.presets import (
    AskedClaim,
    PipelineForm,
    Preset,
    preset_of,
    preset_of_provider,
    suggested_value,
)
from shared.domain.trusted_publishing.publisher_rules import DEFAULT_TAG_VERSION, RULE_NAMES
from shared.domain.trusted_publishing.publishers import publisher_warnings
from shared.runtime.answers import Answer
from shared.services.tokens.pasted_id_tokens import CheckedIdToken
from shared.services.tokens.repository_ids import LOOKED_UP_PROVIDERS
from shared.services.tokens.trusted_publishing import JobTokenVerifier, TrustedIssuer
from shared.use_cases import trusted_publishers
from shared.use_cases.inputs import ShownField, shown_fields
from shared.use_cases.trusted_publishers import CLAIM_FIELD, NamedPublisher, NewPublisher

PUBLISHERS_PER_PAGE = 50  # An organization has a thousand at most.

# The rules that the pipelines of the examples comply with, by the names of their fields.
PIPELINE_RULES: Mapping[Provider, Mapping[str, str]] = {
    Provider.GITHUB: {
        "workflow": "release.yml",
        "refs": "refs/tags/v*",
        "environment": "release",
        "tag_version": DEFAULT_TAG_VERSION,
    },
    Provider.GITLAB: {
        "refs": "refs/tags/v*",
        "environment": "release",
        "tag_version": DEFAULT_TAG_VERSION,
    },
    Provider.AZURE_DEVOPS: {"refs": "refs/heads/main"},
}


pages = SignedInPages()
FACES = (pages,)


@pages.read(f"{ORGANIZATION_ROUTE}/publishers")
async def account_organization_publishers(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    return await _page(call, problem)


async def _page(
    call: SignedInCall, problem: FormProblem | None = None, checked: CheckedIdToken | None = None
) -> Answer:
    frame = await organization_frame(call, "publishers")
    org = call.org
    publishers = await call.registry.tokens.trusted_publishers.of_organization(org, by=call.caller)
    publishers.sort(key=lambda each: (each.package.lower(), each.created_ms))
    path = frame.address("publishers")
    pager = Pager.of(len(publishers), PUBLISHERS_PER_PAGE, path, call.params)
    shown = pager.slice(publishers)
    return frame.show(
        problem,
        publishers=shown,
        makers=await call.registry.tokens.makers.of(org, [each.by for each in shown]),
        warnings={each.id: publisher_warnings(each) for each in shown},
        titles={each.issuer: _title(each) for each in _issuers(call).issuers},
        pager=pager,
        choice=provider_form(call, frame, checked),
        checked=checked,
    )


class AskedField(Struct, frozen=True):
    """A field for a claim that the preset of an issuer asks for."""

    claim: AskedClaim
    value: str  # What a checked token suggests.

    @property
    def name(self) -> str:
        return f"{CLAIM_FIELD}{self.claim.name}"

    @property
    def hint(self) -> str:
        optional = "" if self.claim.is_needed else "Optional. "
        return f"{optional}{self.claim.meaning} Such as {self.claim.example}"


class ProviderForm(Struct, frozen=True):
    """The form that adds a publisher of one CI system or issuer."""

    key: str  # The key of its tab.
    title: str
    preset: Preset
    servers: Sequence[str]  # The servers of a CI system, or the address of an issuer.
    tabs: Sequence[tuple[str, str, str]]
    pipelines: Sequence[RenderedPipeline]
    local_url: str  # The address of the registry, if only its own machine can reach it.
    registry_url: str
    checked: CheckedIdToken | None = None

    @property
    def provider(self) -> Provider:
        return self.preset.provider

    @property
    def inputs(self) -> Mapping[str, ShownField]:
        """The fields of its inputs, as every page that has such a form shows them."""
        return shown_fields(NewPublisher)

    @property
    def has_claims(self) -> bool:
        """Whether its publishers have claims instead of ids and rules."""
        return self.provider is Provider.OIDC

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        """The values and labels of the servers for a select field."""
        return [(each, each) for each in self.servers]

    @property
    def ids(self) -> Iterable[str]:
        """The names of the claims with ids that are never reused."""
        return ID_CLAIMS[self.provider]

    @property
    def asked(self) -> Sequence[AskedField]:
        """The fields of the claims, with the values of a token of this issuer that was checked."""
        checked = self.checked
        is_known = checked and checked.is_verified and checked.issuer in self.servers
        known: Mapping[str, str] = checked.claims if checked and is_known else {}
        return [
            AskedField(claim, suggested_value(claim.example, known.get(claim.name, "")))
            for claim in self.preset.claims
        ]

    @property
    def audience(self) -> str:
        """The audience that the form suggests."""
        return self.preset.audience or self.registry_url

    @property
    def rules(self) -> frozenset[str]:
        """The names of the claims that rules can require."""
        return RULE_NAMES[self.provider]

    @property
    def run_claims(self) -> Sequence[str]:
        """The names of claims that rules can require besides."""
        return RUN_CLAIMS[self.provider]

    @property
    def looks_up(self) -> bool:
        """Whether the registry can look the ids up by the name of the repository."""
        return self.provider in LOOKED_UP_PROVIDERS

    @property
    def defaults(self) -> Mapping[str, str]:
        """The rules that fit the pipeline, by the names of their fields."""
        return PIPELINE_RULES.get(self.provider, {})


def provider_form(
    call: SignedInCall, frame: OrganizationFrame, checked: CheckedIdToken | None = None
) -> ProviderForm | None:
    """Return the form of the chosen CI system or issuer, else of the first; None if none is
    configured. A token that was checked chooses its issuer."""
    offered = list(_offered(call))
    if not offered:
        return None
    asked = call.form.text("choice") or call.form.text("provider")
    asked = asked or call.params.get("provider", "")
    if checked is not None:
        asked = next((key for key, _, _, servers in offered if checked.issuer in servers), asked)
    key, title, preset, servers = next((each for each in offered if each[0] == asked), offered[0])
    url = call.registry.settings.base_url
    org = frame.organization.name
    path = frame.address("publishers")
    return ProviderForm(
        key=key,
        title=title,
        preset=preset,
        servers=servers,
        tabs=[(key, f"{path}?provider={key}#add", title) for key, title, _, _ in offered],
        pipelines=[
            render_pipeline(each, url, org)
            for each in preset.pipelines
            if each.form is PipelineForm.STEP
        ],
        local_url=url if is_loopback(urlsplit(url).hostname or "") else "",
        registry_url=url,
        checked=checked,
    )


def _issuers(call: SignedInCall) -> JobTokenVerifier:
    return call.registry.tokens.trusted_publishers.jobs


def _title(issuer: TrustedIssuer) -> str:
    """Return the name of an issuer for people: of a preset, or the operator's label."""
    if issuer.provider is not Provider.OIDC:
        return issuer.provider.title
    preset = preset_of(issuer.label, issuer.issuer)
    return preset.title if issuer.label == preset.name else issuer.label


def _offered(call: SignedInCall) -> Iterator[tuple[str, str, Preset, Sequence[str]]]:
    """Yield the CI systems and issuers that are configured: key, title, preset and servers."""
    issuers = _issuers(call)
    for provider in Provider:
        if provider is not Provider.OIDC and (known := issuers.servers.get(provider)):
            yield provider.value, provider.title, preset_of_provider(provider), sorted(known)
    for each in issuers.named_issuers:
        preset = preset_of(each.label, each.issuer)
        yield each.label, _title(each), preset, [each.issuer]


def _publisher(call: SignedInCall) -> NamedPublisher:
    return NamedPublisher(call.org, call.form.text("publisher"))


pages.use_case(
    trusted_publishers.add_by_repository,
    f"{ORGANIZATION_ROUTE}/publishers/add",
    account_organization_publishers,
    lambda call: call.org,
    name="account_organization_publishers_add",
)


@pages.form(f"{ORGANIZATION_ROUTE}/publishers/check", account_organization_publishers)
async def account_organization_publishers_check(call: SignedInCall) -> Answer:
    """Show what a pasted token says. The token is a secret, which the page does not repeat."""
    with about_field("token"):
        if not call.form.text("token"):
            message = "Paste the id token of a job."
            raise InvalidRequest(message)
        checked = await call.registry.tokens.pasted_id_tokens.check(
            Secret(call.form.text("token")), call.org, by=call.caller
        )
    return await _page(call, checked=checked)


pages.use_case(
    trusted_publishers.confirm,
    f"{ORGANIZATION_ROUTE}/publishers/confirm",
    account_organization_publishers,
    _publisher,
    name="account_organization_publishers_confirm",
)
pages.use_case(
    trusted_publishers.remove,
    f"{ORGANIZATION_ROUTE}/publishers/remove",
    account_organization_publishers,
    _publisher,
    name="account_organization_publishers_remove",
)
