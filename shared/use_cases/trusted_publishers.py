"""Trusted publishers of an organization: adding, confirming and removing one, and leaving a package
to them alone."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field, WithJsonSchema

from shared.domain.coordinates import Package
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.names import OrgName
from shared.domain.packages import Head, Pushers
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.domain.trusted_publishing.claims import MAX_CLAIM_LENGTH, MAX_CLAIMS
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, OFFERED_PROVIDERS, RUN_CLAIMS, Provider
from shared.domain.trusted_publishing.publisher_rules import (
    DEFAULT_TAG_VERSION,
    MAX_REFS,
    PublisherRules,
    Runner,
)
from shared.domain.trusted_publishing.publishers import Publisher, PublisherReads, PublisherScopes
from shared.registry import Registry
from shared.services.tokens.trusted_publishers import PublisherRequest
from shared.use_cases.inputs import (
    FormField,
    FormValues,
    Inputs,
    Nothing,
    Reason,
    choice,
    is_checked,
    text,
    value_of,
)
from shared.use_cases.use_case import use_case

# The field of a single claim has this prefix before the name of the claim, which has no space.
CLAIM_FIELD = "claim "

_NAMES = ", ".join(each.value for each in OFFERED_PROVIDERS)
_LISTED = {provider: ", ".join(claims) for provider, claims in RUN_CLAIMS.items()}

ShortText = Annotated[str, Field(max_length=255)]
ClaimText = Annotated[str, Field(max_length=MAX_CLAIM_LENGTH)]
OfferedProvider = Annotated[
    Provider, WithJsonSchema({"type": "string", "enum": [each.value for each in OFFERED_PROVIDERS]})
]


def _scopes(values: Sequence[str]) -> PublisherScopes:
    return PublisherScopes.READ if text(values) == "read" else PublisherScopes.PUBLISH


def _reads(values: Sequence[str]) -> PublisherReads | None:
    return PublisherReads.ORGANIZATION if text(values) == "organization" else None


def _refs(values: Sequence[str]) -> list[str]:
    return text(values).split()


def _runner(values: Sequence[str]) -> Runner | None:
    return Runner.PROVIDER if is_checked(values) else None


def _ids(form: FormValues) -> dict[str, str]:
    """Read the ids, each of which has a field with the name of its claim."""
    names = (name for claims in ID_CLAIMS.values() for name in claims)
    return {name: value for name in names if (value := value_of(form, name))}


def _claims(form: FormValues) -> dict[str, str]:
    """Read the claims of the fields of a preset, and then those of the lines of further ones."""
    return dict(_claims_of(form))


def _claims_of(form: FormValues) -> Iterator[tuple[str, str]]:
    for name in form:
        if name.startswith(CLAIM_FIELD) and (value := value_of(form, name)):
            yield name.removeprefix(CLAIM_FIELD), value
    for line in value_of(form, "claims").splitlines():
        if not line.strip():
            continue
        name, separator, value = line.partition("=")
        if not separator:
            message = f"{line.strip()[:80]!r} is not a claim. Write NAME=VALUE on each line."
            with about_field("claims"):
                raise InvalidRequest(message)
        yield name.strip(), value.strip()


def _tag_version(form: FormValues) -> str:
    """Read the tag, which the form suggests also where a publisher only reads."""
    is_reader = value_of(form, "scopes") == PublisherScopes.READ.value
    return "" if is_reader else value_of(form, "tag_version")


class NewPublisher(Inputs):
    """A job that is to publish a package or read those of the organization, and which of its
    runs."""

    package: Annotated[ShortText, FormField("Package")] = Field(
        default="",
        description="Its name; where there is none yet, the first push makes it. Left out where "
        "the scopes are read.",
    )
    provider: Annotated[
        OfferedProvider,
        FormField(
            read=choice(Provider, f"There is no such CI system. Choose one of {_NAMES}."),
        ),
    ] = Field(description="The CI system, which signs the identity of the job.")
    server: Annotated[ShortText, FormField("Server")] = Field(
        default="", description="The address of your own server of GitHub or GitLab."
    )
    ids: Annotated[dict[ShortText, ShortText], FormField(read_form=_ids)] = Field(
        default={},
        description="repository_id and repository_owner_id of GitHub; project_id and namespace_id "
        "of GitLab; org_id, prj_id, def_id and rpo_id of Azure DevOps; none of oidc.",
    )
    issuer: ShortText = Field(
        default="",
        description="For oidc: the address of an issuer that the operator set, or its label.",
    )
    audience: Annotated[ShortText, FormField("Audience")] = Field(
        default="",
        description="For oidc: the audience of the id tokens, if the issuer sets it; otherwise the "
        "address of this registry.",
    )
    claims: Annotated[
        dict[ShortText, ClaimText], FormField("Further claims", read_form=_claims)
    ] = Field(
        default={},
        max_length=MAX_CLAIMS,
        description="Exact values or patterns, in which * and ? match no slash and no colon. For "
        f"oidc: sub and others; for GitHub: {_LISTED[Provider.GITHUB]}; for GitLab: "
        f"{_LISTED[Provider.GITLAB]}.",
    )
    scopes: Annotated[
        PublisherScopes,
        FormField(
            "What its jobs can do", hint="To read only, leave the package empty", read=_scopes
        ),
    ] = Field(
        default=PublisherScopes.PUBLISH,
        description="publish, or read to only read the packages of the organization.",
    )
    reads: Annotated[PublisherReads | None, FormField(read=_reads)] = Field(
        default=None,
        description="What its jobs read besides what they publish: none, or organization for a "
        "build whose dependencies include private packages. Otherwise none where they publish.",
    )
    repository: Annotated[ShortText, FormField("Repository")] = Field(
        default="", description="A name for people; it decides nothing."
    )
    workflow: Annotated[ShortText, FormField("Workflow")] = Field(
        default="", description="The file of the workflow: release.yml."
    )
    reusable_workflow: Annotated[
        ShortText,
        FormField(
            "Reusable workflow",
            hint="Optional. If the job runs in a workflow of another repository: "
            "octo/ci/.github/workflows/publish.yml@refs/tags/v1",
        ),
    ] = Field(
        default="",
        description="The workflow of another repository that a job of GitHub runs, with its ref: "
        "octo/ci/.github/workflows/publish.yml@refs/tags/v1.",
    )
    refs: Annotated[
        list[ShortText],
        FormField(
            "Refs",
            hint="Branches or tags, such as refs/heads/main or refs/tags/v*, separated by spaces",
            read=_refs,
        ),
    ] = Field(
        default=[], max_length=MAX_REFS, description="refs/heads/main, or refs/tags/v* for many."
    )
    tag_version: Annotated[
        ShortText,
        FormField(
            "Version of the tag",
            hint="With v{version}, the tag v1.2.0 publishes version 1.2.0 and no other. Leave it "
            "empty if releases are not tagged",
            read_form=_tag_version,
        ),
    ] = Field(
        default="",
        description="The tag of the version that a run publishes, such as v{version}: the tag "
        "v1.2.0 publishes only 1.2.0.",
        json_schema_extra={"suggestion": DEFAULT_TAG_VERSION},
    )
    environment: Annotated[
        ShortText, FormField("Environment", hint="Such as release; add protection rules to it")
    ] = Field(default="", description="The environment that a job has to run in.")
    protected: Annotated[bool, FormField("Protection", read=is_checked)] = Field(
        default=False, description="Whether the ref has to be protected."
    )
    runner: Annotated[Runner | None, FormField("Runners", read=_runner)] = Field(
        default=None, description="provider: only machines that GitHub or GitLab host run the job."
    )

    def wanted(self, org: OrgName) -> PublisherRequest:
        """Return the request of a publisher of the organization, or of a package of it."""
        with about_field("package"):
            target = Package.parse(org, self.package) if self.package else org
        rules = self.model_dump(include=set(PublisherRules.model_fields))
        return PublisherRequest(
            package=target,
            provider=self.provider,
            ids=self.ids,
            server=self.issuer or self.server,
            repository=self.repository,
            rules=rules,
            audience=self.audience,
            claims=self.claims,
            scopes=self.scopes,
            reads=self.reads,
        )


class NewPushers(Reason):
    """Who is to push to a package."""

    pushers: Annotated[
        Pushers,
        FormField(
            read=choice(Pushers, "Choose who can publish: members, or trusted publishers only."),
        ),
    ] = Field(description="Members with their tokens too, or only trusted publishers.")


class NamedPublisher(Struct, frozen=True):
    """The trusted publisher of an organization with this id."""

    org: OrgName
    id: str


@use_case(
    "Add a trusted publisher; for owners who signed in recently.",
    inputs=NewPublisher,
    right=Action.GOVERN,
    done="Trusted publisher added. The next run of its workflow can publish.",
)
async def add(registry: Registry, org: OrgName, new: NewPublisher, by: Principal) -> Publisher:
    return await registry.tokens.trusted_publishers.add(new.wanted(org), by=by)


async def _add_by_repository(
    registry: Registry, org: OrgName, new: NewPublisher, by: Principal
) -> Publisher:
    if new.ids or new.provider is Provider.OIDC:
        return await add.rule(registry, org, new, by)
    return await registry.tokens.trusted_publishers.add_repository(new.wanted(org), by=by)


# Pages accept the name of a repository instead of its ids, and the registry looks the ids up.
add_by_repository = replace(add, rule=_add_by_repository)


@use_case(
    "Become the maker of a trusted publisher; for owners who signed in recently.",
    inputs=Nothing,
    right=Action.GOVERN,
    done="Trusted publisher confirmed. You are its maker now.",
    printed="Confirmed {id}. The operator is its maker.",
)
async def confirm(
    registry: Registry, publisher: NamedPublisher, _: Nothing, by: Principal
) -> Publisher:
    publishers = registry.tokens.trusted_publishers
    return await publishers.confirm(publisher.org, publisher.id, by=by)


@use_case(
    "Remove a trusted publisher; for owners who signed in recently.",
    inputs=Reason,
    right=Action.GOVERN,
    done="Trusted publisher removed. Its jobs no longer get tokens.",
    printed="Removed the trusted publisher {id} of {org}.",
)
async def remove(
    registry: Registry, publisher: NamedPublisher, sent: Reason, by: Principal
) -> None:
    publishers = registry.tokens.trusted_publishers
    await publishers.remove(publisher.org, publisher.id, by=by, reason=sent.reason)


@use_case(
    "Set who can push to a package; for owners who signed in recently.",
    inputs=NewPushers,
    right=Action.GOVERN,
    done="Publishing access changed.",
    printed="{package} accepts pushes from {pushers}.",
)
async def restrict_pushers(
    registry: Registry, package: Package, sent: NewPushers, by: Principal
) -> Head:
    publishers = registry.tokens.trusted_publishers
    return await publishers.restrict_pushers(package, sent.pushers, by=by, reason=sent.reason)
