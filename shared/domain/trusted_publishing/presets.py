"""Presets of trusted publishing: what the id tokens of known issuers say, and which claims decide.

A preset is data. The operator names an issuer by the name of its preset (`buildkite=https://…`), or
by that name and a word of their own (`jenkins-tools=https://…`); every other label is of an issuer
without a preset.

A claim inside another one is named by its path: `kubernetes.io/serviceaccount/uid`.
"""

import re
from enum import Enum

from msgspec import Struct

from shared.domain.trusted_publishing.claims import SEPARATORS, is_exact, matches
from shared.domain.trusted_publishing.issuers import UNKNOWN_TRAITS, IssuerTraits
from shared.domain.trusted_publishing.jobs import GUID_PATTERN, REPOSITORY_ID, Provider


class AskedClaim(Struct, frozen=True):
    """A claim of id tokens for which the form of a trusted publisher has a field."""

    name: str
    meaning: str  # One sentence for the owner who enters its value.
    example: str  # A value, or a pattern where releases differ in it.
    is_needed: bool = True  # Without it, more than the one job could publish.


class PipelineForm(Enum):
    """How a pipeline publishes: with the file `publish.py`, or with commands of the shell alone."""

    STEP = "step"
    SHELL = "shell"


class Pipeline(Struct, frozen=True):
    """A file of a pipeline that publishes."""

    title: str
    template: str  # A file of functions/templates/pipelines.
    saved_as: str = ""  # Where the CI system reads it; empty for commands of any machine.
    form: PipelineForm = PipelineForm.STEP


def _both_forms(title: str, template: str, saved_as: str = "") -> tuple[Pipeline, ...]:
    return (
        Pipeline(title, template, saved_as),
        Pipeline(title, template, saved_as, PipelineForm.SHELL),
    )


class Preset(Struct, frozen=True):
    """An issuer that is known: its claims, and a pipeline that works."""

    name: str
    title: str
    issuer: str  # A regular expression of the whole address.
    claims: tuple[AskedClaim, ...]
    traits: IssuerTraits
    where: str  # Where an owner finds the values of the claims.
    pipelines: tuple[Pipeline, ...]
    audience: str = ""  # An example of an audience, if it cannot be the address of the registry.
    note: str = ""  # What else keeps other people from publishing.
    provider: Provider = Provider.OIDC  # Other providers have a reader with their own checks.


_ANY_ADDRESS = r"https://\S+"

GITHUB = Preset(
    name=Provider.GITHUB.value,
    title=Provider.GITHUB.title,
    issuer=r"https://token\.actions\.[^/\s]+(?:/\S*)?|https://[^/\s]+/_services/token",
    claims=(
        AskedClaim("repository_id", "The repository, which is never given twice.", "74"),
        AskedClaim("repository_owner_id", "Its owner, who is never given twice.", "65"),
    ),
    traits=IssuerTraits({"repository_id": "repository"}),
    where="gh api repos/octo/greet --jq '.id, .owner.id'",
    pipelines=(
        Pipeline("GitHub Actions", "github.yml", ".github/workflows/release.yml"),
        Pipeline("The action", "github-action.yml", ".github/actions/ballroom-publish/action.yml"),
        Pipeline(
            "GitHub Actions",
            "github-shell.yml",
            ".github/workflows/release.yml",
            PipelineForm.SHELL,
        ),
    ),
    provider=Provider.GITHUB,
)

GITLAB = Preset(
    name=Provider.GITLAB.value,
    title=Provider.GITLAB.title,
    issuer=_ANY_ADDRESS,
    claims=(
        AskedClaim("project_id", "The project, which is never given twice.", "20"),
        AskedClaim("namespace_id", "Its group or user, which is never given twice.", "72"),
    ),
    traits=IssuerTraits({"project_id": "project"}),
    where="curl -s https://gitlab.com/api/v4/projects/octo%2Fgreet",
    pipelines=(
        Pipeline("GitLab CI", "gitlab.yml", ".gitlab-ci.yml"),
        Pipeline("The component", "gitlab-component.yml", "templates/ballroom-publish.yml"),
        Pipeline("GitLab CI", "gitlab-shell.yml", ".gitlab-ci.yml", PipelineForm.SHELL),
    ),
    provider=Provider.GITLAB,
)

AZURE_DEVOPS = Preset(
    name=Provider.AZURE_DEVOPS.value,
    title=Provider.AZURE_DEVOPS.title,
    issuer=rf"https://vstoken\.dev\.azure\.com/{GUID_PATTERN}",
    claims=(
        AskedClaim("prj_id", "The project.", "271ef6f7-5998-4b0f-86fb-4b54d9129990"),
        AskedClaim("org_id", "The organization.", "0ca3ddd9-f0b0-4635-a98c-5866526961b6"),
        AskedClaim("def_id", "The pipeline.", "1"),
        AskedClaim(
            REPOSITORY_ID,
            "The repository, at which the pipeline is pointed.",
            "8a5c9f1e-1d1c-4c0c-9a4a-4a51b0c6f5d1",
        ),
    ),
    traits=IssuerTraits({"org_id": "organization"}),
    where="az pipelines show --name Release --query '[project.id, id, repository.id]'",
    pipelines=(
        Pipeline("Azure DevOps", "azure-devops.yml", "azure-pipelines.yml"),
        Pipeline("The template", "azure-devops-template.yml", "ballroom-publish.yml"),
        Pipeline(
            "Azure DevOps", "azure-devops-shell.yml", "azure-pipelines.yml", PipelineForm.SHELL
        ),
    ),
    audience="api://AzureADTokenExchange",
    provider=Provider.AZURE_DEVOPS,
)

BUILDKITE = Preset(
    name="buildkite",
    title="Buildkite",
    issuer=r"https://agent\.buildkite\.com",
    claims=(
        AskedClaim(
            "sub",
            "The pipeline, the ref and the step, by their names.",
            "organization:octo:pipeline:greet:ref:refs/tags/v*:commit:*:step:publish",
        ),
        AskedClaim(
            "organization_id",
            "The organization, which is never given twice.",
            "0184990a-477b-4fa8-9968-496074483cee",
        ),
        AskedClaim(
            "pipeline_id",
            "The pipeline, which is never given twice.",
            "0184990a-4782-42b5-afc1-16715b10b8ff",
        ),
    ),
    traits=IssuerTraits({"organization_id": "organization"}),
    where="bk api /pipelines/greet, or the settings of the organization and the pipeline",
    pipelines=_both_forms("Buildkite", "buildkite.yml", ".buildkite/pipeline.yml"),
    note=(
        "Whoever may create a build chooses its branch and tag: let only release managers do so, "
        "and do not build pull requests of forks in this pipeline."
    ),
)

CIRCLECI = Preset(
    name="circleci",
    title="CircleCI",
    issuer=rf"https://oidc\.circleci\.com(?:/org/{GUID_PATTERN})?",
    claims=(
        AskedClaim(
            "sub",
            "The organization, the project and the person, by their ids, then the repository and "
            "the ref.",
            "org/5a1c3c5e-8b7c-4b1e-9f0a-1c2d3e4f5a6b"
            "/project/7c2d4d6f-9c8d-4c2f-8a1b-2d3e4f5a6b7c"
            "/user/*/vcs-origin/github.com/octo/greet/vcs-ref/refs/tags/v*",
        ),
        AskedClaim(
            "oidc.circleci.com/org-id",
            "The organization, which is never given twice.",
            "5a1c3c5e-8b7c-4b1e-9f0a-1c2d3e4f5a6b",
        ),
        AskedClaim(
            "oidc.circleci.com/project-id",
            "The project, which is never given twice.",
            "7c2d4d6f-9c8d-4c2f-8a1b-2d3e4f5a6b7c",
        ),
        AskedClaim(
            "oidc.circleci.com/vcs-origin",
            "The repository of the build, which keeps forks out.",
            "github.com/octo/greet",
        ),
        AskedClaim("oidc.circleci.com/vcs-ref", "The branch or tag.", "refs/tags/v*"),
        AskedClaim(
            "oidc.circleci.com/ssh-rerun",
            "Whether somebody runs the job again with a shell of their own.",
            "false",
        ),
    ),
    traits=IssuerTraits(
        {"oidc.circleci.com/org-id": "organization", "oidc.circleci.com/project-id": "project"},
        # The audience of tokens for which a job requests none.
        fixed_audience=re.compile(GUID_PATTERN),
    ),
    where="Organization Settings and Project Settings, Overview",
    pipelines=_both_forms("CircleCI", "circleci.yml", ".circleci/config.yml"),
    note="Restrict the context of the job to the tags of releases and to a group of people.",
)

BITBUCKET = Preset(
    name="bitbucket",
    title="Bitbucket Pipelines",
    issuer=r"https://api\.bitbucket\.org/2\.0/workspaces/[^/\s]+/pipelines-config/identity/oidc",
    claims=(
        AskedClaim(
            "sub",
            "The repository and the deployment environment, then the step, which differs.",
            "{b3c1f0a2-6f0e-4c3a-9a53-0f4c7b1f2d10}:{e5d2a1b4-7c1f-4d3e-8b64-1a5d8c2f3e21}:*",
        ),
        AskedClaim(
            "workspaceUuid",
            "The workspace, which is never given twice.",
            "{a1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d}",
        ),
        AskedClaim(
            "repositoryUuid",
            "The repository, which is never given twice.",
            "{b3c1f0a2-6f0e-4c3a-9a53-0f4c7b1f2d10}",
        ),
        AskedClaim(
            "deploymentEnvironmentUuid",
            "The deployment environment, to which few people may deploy.",
            "{e5d2a1b4-7c1f-4d3e-8b64-1a5d8c2f3e21}",
        ),
    ),
    traits=IssuerTraits(
        {"workspaceUuid": "workspace", "repositoryUuid": "repository"},
        fixed_audience=re.compile(rf"ari:cloud:bitbucket::workspace/{GUID_PATTERN}"),
    ),
    where="Repository settings, OpenID Connect",
    pipelines=_both_forms("Bitbucket Pipelines", "bitbucket.yml", "bitbucket-pipelines.yml"),
    note=(
        "Let only admins deploy to the environment, and only from the branch of releases: the "
        "tokens do not say whether a build is of a pull request."
    ),
)

GOOGLE = Preset(
    name="google",
    title="Google Cloud",
    issuer=r"https://accounts\.google\.com",
    claims=(
        AskedClaim(
            "sub",
            "The unique ID of the service account, which is never given twice.",
            "109876543210987654321",
        ),
        AskedClaim(
            "email",
            "The address of the service account.",
            "publisher@octo-ci.iam.gserviceaccount.com",
            is_needed=False,
        ),
    ),
    traits=IssuerTraits({"sub": "service account"}, reuses_tokens=True),
    where=(
        "gcloud iam service-accounts describe publisher@octo-ci.iam.gserviceaccount.com "
        "--format 'value(uniqueId)'"
    ),
    pipelines=(
        *_both_forms("Cloud Build", "google-cloud-build.yml", "cloudbuild.yaml"),
        *_both_forms("Compute Engine, GKE or Cloud Run", "google-metadata.sh"),
    ),
    note=(
        "Everything that runs as the service account can publish, and so can whoever may "
        "impersonate it: give it only to this build."
    ),
)

KUBERNETES = Preset(
    name="kubernetes",
    title="Kubernetes",
    issuer=_ANY_ADDRESS,
    claims=(
        AskedClaim(
            "sub",
            "The namespace and the name of the service account.",
            "system:serviceaccount:ci:publisher",
        ),
        AskedClaim(
            "kubernetes.io/serviceaccount/uid",
            "The service account, which is another one when it is made again.",
            "a709ef71-30e2-489a-bd19-ade97031b9db",
            is_needed=False,
        ),
    ),
    traits=IssuerTraits({"sub": "service account"}, reuses_tokens=True),
    where="kubectl get serviceaccount publisher --namespace ci --output jsonpath={.metadata.uid}",
    pipelines=_both_forms("Kubernetes", "kubernetes.yml", "publish.yaml"),
    note=(
        "Whoever may create pods or tokens in the namespace can publish: give the service account "
        "a namespace of its own."
    ),
)

JENKINS = Preset(
    name="jenkins",
    title="Jenkins",
    issuer=_ANY_ADDRESS,
    claims=(
        AskedClaim(
            "sub", "The address of the job.", "https://jenkins.example.org/job/greet-release/"
        ),
    ),
    traits=IssuerTraits({"sub": "job"}),
    where="the address of the job in the browser",
    pipelines=_both_forms("Jenkins", "jenkins.groovy", "Jenkinsfile"),
    note=(
        "Publish from a job of its own that takes its Jenkinsfile from one branch, not from a "
        "multibranch pipeline, in which every branch has a job."
    ),
)

FORGEJO = Preset(
    name="forgejo",
    title="Forgejo",
    issuer=r"https://[^/\s]+(?:/\S+)?/api/actions",
    claims=(
        AskedClaim(
            "sub",
            "The repository, by its names and ids, and the ref.",
            "repo:octo-65/greet-74:ref:refs/tags/v*",
        ),
        AskedClaim("repository_id", "The repository, which is never given twice.", "74"),
        AskedClaim("repository_owner_id", "Its owner, who is never given twice.", "65"),
    ),
    traits=IssuerTraits({"repository_id": "repository"}),
    where="curl -s https://forgejo.example.org/api/v1/repos/octo/greet",
    pipelines=_both_forms("Forgejo Actions", "forgejo.yml", ".forgejo/workflows/release.yml"),
    note=(
        "Protect the tags of releases: whoever may push one can publish with a workflow of their "
        "own."
    ),
)

ENTRA = Preset(
    name="entra",
    title="Entra ID",
    issuer=(
        rf"https://sts\.windows\.net/{GUID_PATTERN}/"
        rf"|https://login\.microsoftonline\.(?:com|us)/{GUID_PATTERN}/v2\.0"
    ),
    claims=(
        AskedClaim(
            "sub",
            "The object ID of the managed identity, or of the application's service principal.",
            "c4b8e3a1-2d5f-4e6a-9b7c-8d0e1f2a3b4c",
        ),
        AskedClaim("tid", "The tenant.", "8f1e2d3c-4b5a-4697-8a8b-9c0d1e2f3a4b"),
    ),
    traits=IssuerTraits(
        {"sub": "identity"},
        # An application of the tenant: its address, or its ID in tokens of version 2. The tokens of
        # federated credentials are for Entra ID itself.
        fixed_audience=re.compile(
            rf"api://(?!AzureADTokenExchange$)[A-Za-z0-9._~/-]{{1,200}}|{GUID_PATTERN}"
        ),
        reuses_tokens=True,
        tenant_claim="tid",
    ),
    where="az identity show --name publisher --resource-group ci --query '[principalId, tenantId]'",
    pipelines=(
        *_both_forms("A signed-in Azure CLI", "entra-cli.sh"),
        *_both_forms("Azure Kubernetes Service", "entra-aks.yml", "publish.yaml"),
        *_both_forms("A virtual machine", "entra-machine.sh"),
    ),
    audience="api://ballroom",
    note=(
        "The audience is an application of the tenant that stands for this registry and for no "
        "other service. Everything that runs with the identity can publish."
    ),
)

OTHER = Preset(
    name="",
    title="OpenID Connect",
    issuer=_ANY_ADDRESS,
    claims=(
        AskedClaim("sub", "The job or the machine, as its issuer names it.", "ci/greet/release"),
    ),
    traits=UNKNOWN_TRAITS,
    where="the documentation of the issuer, or a token of the job",
    pipelines=_both_forms("Any machine", "other.sh"),
)

# The order in which the page shows the presets.
PRESETS = (
    GITHUB,
    GITLAB,
    AZURE_DEVOPS,
    BUILDKITE,
    CIRCLECI,
    BITBUCKET,
    GOOGLE,
    KUBERNETES,
    JENKINS,
    FORGEJO,
    ENTRA,
)
_BY_NAME = {preset.name: preset for preset in PRESETS}


def preset_of(label: str, issuer: str) -> Preset:
    """Return the preset of an issuer that the operator names; `OTHER` if it has none.

    A label names a preset only if the address is one of its issuers.
    """
    preset = _BY_NAME.get(label) or _BY_NAME.get(label.partition("-")[0])
    if preset is None or not re.fullmatch(preset.issuer, issuer):
        return OTHER
    return preset if preset.provider is Provider.OIDC else OTHER


def suggested_value(example: str, value: str) -> str:
    """Return the value of a token as a rule that fits its other runs: where the example has a
    wildcard that matches, the rule has it too."""
    parts = SEPARATORS.split(value)
    wanted = SEPARATORS.split(example)
    if parts[1::2] != wanted[1::2]:  # With other separators, the value has another form.
        return value
    pairs = zip(parts, wanted, strict=True)
    return "".join(
        like if not is_exact(like) and matches(part, like) else part for part, like in pairs
    )


def preset_of_provider(provider: Provider) -> Preset:
    """Return the preset of a CI system whose tokens have a reader of their own."""
    return next(preset for preset in PRESETS if preset.provider is provider)


class CiSystem(Struct, frozen=True):
    """A CI system or a cloud, and the pipelines with which its jobs publish."""

    key: str
    title: str
    pipelines: tuple[Pipeline, ...]
    note: str = ""
    signs_id_tokens: bool = True  # Otherwise a job has a stored token.


GITEA = CiSystem(
    "gitea",
    "Gitea",
    _both_forms("Gitea Actions", "gitea.yml", ".gitea/workflows/release.yml"),
    note=(
        "Gitea signs no id tokens for jobs, so this pipeline has a stored token: one of this "
        "organization that may publish versions, and that expires."
    ),
    signs_id_tokens=False,
)


def _ci_system(preset: Preset) -> CiSystem:
    return CiSystem(preset.name, preset.title, preset.pipelines, preset.note)


# The order in which the page for authors shows the CI systems.
CI_SYSTEMS = (
    *(_ci_system(each) for each in PRESETS if each is not ENTRA),
    GITEA,
    _ci_system(ENTRA),
    CiSystem("other", "Any other issuer", OTHER.pipelines),
)
