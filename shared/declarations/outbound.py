"""Every kind of connection that the registry opens to another machine: to whom, when, what is sent,
and the setting that forbids it. docs/reference/security.md has this table.

tests/repo/test_outbound.py fails for a module that can connect and belongs to none of them.
"""

from msgspec import Struct


class OutboundConnection(Struct, frozen=True):
    """One kind of connection. `hosts` are names of hosts, or the settings in whose values they are;
    `purpose` says when it is opened, and `setting` what forbids it."""

    name: str
    hosts: tuple[str, ...]
    purpose: str
    sent: str
    setting: str
    ports: str = "443"
    is_default: bool = False  # Whether a registry without any settings opens such connections.


_STORES = "Leave it empty: records and archives are in the data folder."
_NOT_SET = "Leave it empty."

# --- What people and jobs cause -------------------------------------------------------------------

_ASKED: tuple[OutboundConnection, ...] = (
    OutboundConnection(
        "sign-in with Entra ID",
        ("`BALLROOM_ENTRA_AUTHORITY`",),
        "when somebody signs in, and for the keys and the discovery document, which are kept",
        "the code of the sign-in, the client id and its secret or assertion",
        "Leave `BALLROOM_ENTRA_TENANT` empty.",
    ),
    OutboundConnection(
        "Microsoft Graph",
        ("`BALLROOM_ENTRA_GRAPH`", "`BALLROOM_ENTRA_AUTHORITY`"),
        "at renewals of sessions, for new tokens and once a day; at sign-ins of people with more "
        "than 200 groups",
        "the object id of the person; the client id and its secret or assertion",
        "Set `BALLROOM_ENTRA_ACCOUNTS` and `BALLROOM_ENTRA_GROUPS` to `false`.",
    ),
    OutboundConnection(
        "sign-in with OpenID Connect",
        ("`BALLROOM_OIDC_ISSUER`", "the hosts that its discovery document names"),
        "when somebody signs in, and for the keys and the discovery document, which are kept",
        "the code of the sign-in, the client id and its secret",
        "Leave `BALLROOM_OIDC_ISSUER` empty.",
    ),
    OutboundConnection(
        "sign-in with GitHub",
        ("`BALLROOM_GITHUB_URL`", "`api.github.com`"),
        "when somebody signs in",
        "the code of the sign-in, the client id and its secret; the access token that it gave",
        "Leave `BALLROOM_GITHUB_CLIENT_ID` empty.",
    ),
    OutboundConnection(
        "keys of CI systems",
        (
            "`BALLROOM_PUBLISH_FROM_GITHUB`",
            "`BALLROOM_PUBLISH_FROM_GITLAB`",
            "`BALLROOM_PUBLISH_FROM_AZURE_DEVOPS`",
            "`BALLROOM_PUBLISH_FROM_ISSUERS`",
            "the hosts that their discovery documents name",
        ),
        "when a job exchanges an id token of such an issuer; what they answer is kept",
        "nothing",
        "Set `BALLROOM_PUBLISH_FROM_GITHUB` and `BALLROOM_PUBLISH_FROM_GITLAB` to nothing, and "
        "leave the other two empty.",
        is_default=True,
    ),
    OutboundConnection(
        "ids of repositories",
        ("`api.github.com`", "the servers of GitHub and GitLab among the issuers of CI jobs"),
        "when somebody names a repository for a trusted publisher",
        "the name of the repository; `BALLROOM_LOOKUP_TOKEN` only to `api.github.com`",
        "As for the keys of CI systems.",
        is_default=True,
    ),
    OutboundConnection(
        "upstream registries",
        (
            "`BALLROOM_UPSTREAM`",
            "registries that administrators added",
            "the hosts to which they redirect for archives",
        ),
        "when somebody asks for a package that is not here, and every few minutes for what they "
        "withdrew",
        "the names and versions that are asked for, words that are searched for, a pseudonym of "
        "this registry; to its own host `BALLROOM_UPSTREAM_TOKEN`, for callers with credentials",
        "Leave `BALLROOM_UPSTREAM` empty; then administrators add none.",
    ),
    OutboundConnection(
        "scanner",
        ("`BALLROOM_SCANNER_URL`",),
        "before an archive is published",
        "name, version, digest, size and a link to the archive, signed",
        "Leave it empty.",
    ),
    OutboundConnection(
        "keys of secret scanners",
        ("`BALLROOM_REPORT_KEYS_URL`",),
        "when a report about a leaked token arrives",
        "nothing",
        _NOT_SET,
    ),
    OutboundConnection(
        "webhooks",
        ("the hosts that owners and administrators entered",),
        "after an event that a webhook is about; again after a failure",
        "the event, signed; one of the topic `audit` has the addresses of people",
        "Set `BALLROOM_WEBHOOK_HOSTS` to the hosts that are allowed, or to nothing.",
        is_default=True,
    ),
)

# --- What the registry does by itself ------------------------------------------------------------

_BY_ITSELF: tuple[OutboundConnection, ...] = (
    OutboundConnection(
        "mail by SMTP",
        ("`BALLROOM_SMTP_HOST`",),
        "for invitations, warnings and what people follow",
        "the message and its addresses; user and password, if they are set",
        "Leave `BALLROOM_MAIL` at `console`.",
        ports="`BALLROOM_SMTP_PORT`",
    ),
    OutboundConnection(
        "mail by Azure",
        ("`BALLROOM_ACS_ENDPOINT`",),
        "for invitations, warnings and what people follow",
        "the message and its addresses",
        "Leave `BALLROOM_MAIL` at `console`.",
    ),
    OutboundConnection(
        "RDAP",
        ("`BALLROOM_RDAP_URL`",),
        "each night",
        "the domains of the mail addresses of accounts, without the accounts",
        _NOT_SET,
    ),
    OutboundConnection(
        "dumps of advisories",
        ("the hosts of `BALLROOM_ADVISORIES_FROM`",),
        "every hour",
        "the tag of the dump that is known",
        _NOT_SET,
    ),
    OutboundConnection(
        "releases of Ballroom",
        ("the host of `BALLROOM_RELEASES_FEED`",),
        "each night",
        "nothing",
        _NOT_SET,
    ),
    OutboundConnection(
        "witnesses",
        ("the hosts of `BALLROOM_LOG_WITNESSES`",),
        "after each checkpoint of the transparency log",
        "the checkpoint and a proof of consistency, which are public",
        _NOT_SET,
    ),
    OutboundConnection(
        "trusted root of Sigstore",
        ("`tuf-repo-cdn.sigstore.dev`",),
        "each night, once a release came with a bundle of Sigstore",
        "nothing",
        "Set `BALLROOM_SIGSTORE_ROOTS` to files.",
        is_default=True,
    ),
)

# --- Services of Azure ---------------------------------------------------------------------------

_AZURE: tuple[OutboundConnection, ...] = (
    OutboundConnection(
        "Cosmos DB",
        ("`BALLROOM_COSMOS_ENDPOINT`", "the addresses of its regions, which it names"),
        "with most requests",
        "the records",
        _STORES,
    ),
    OutboundConnection(
        "Blob Storage",
        ("`BALLROOM_BLOB_ENDPOINT`",),
        "with most requests",
        "archives and documents",
        _STORES,
    ),
    OutboundConnection(
        "Key Vault",
        ("`BALLROOM_KEY_VAULT`",),
        "every few minutes",
        "the name of the secret",
        _NOT_SET,
    ),
    OutboundConnection(
        "identity of the app",
        (
            "the address of managed identities that Azure gives (`169.254.169.254`)",
            "`login.microsoftonline.com` where the app has another identity",
        ),
        "before a call of a service of Azure, when its token has expired",
        "the name of the service, and which identity",
        "Leave the settings of the other rows about Azure and "
        "`BALLROOM_ENTRA_MANAGED_IDENTITY` empty.",
        ports="80, 443",
    ),
    OutboundConnection(
        "Front Door",
        ("`management.azure.com`",),
        "when a public archive is withdrawn",
        "the path of the archive",
        "Leave `BALLROOM_ARCHIVE_CDN_RESOURCE` empty.",
    ),
    OutboundConnection(
        "Application Insights",
        ("the hosts in `APPLICATIONINSIGHTS_CONNECTION_STRING`",),
        "each minute, and for traces within seconds",
        "metrics, and the share `BALLROOM_TRACE_SHARE` of requests as traces",
        _NOT_SET,
    ),
)

# --- Below the others, and commands --------------------------------------------------------------

_OTHERS: tuple[OutboundConnection, ...] = (
    OutboundConnection(
        "name servers",
        ("those of the system",),
        "before each connection of the other rows",
        "the name of the host",
        "Forbidden with the other rows.",
        ports="53",
        is_default=True,
    ),
    OutboundConnection(
        "proxy",
        ("`HTTPS_PROXY`", "`HTTP_PROXY`"),
        "for each connection of the other rows that `NO_PROXY` does not name",
        "what the row says, by https in a tunnel; the name of the host",
        _NOT_SET,
        ports="those of the two addresses",
    ),
    OutboundConnection(
        "the own address",
        ("`BALLROOM_URL`",),
        "when somebody runs `ballroom doctor`, which reads the certificate there",
        "nothing",
        "Leave it empty, or do not run the command.",
        ports="the one of the address",
        is_default=True,
    ),
    OutboundConnection(
        "commands for clients",
        (
            "the registry that `--registry` or the configuration of `bal` names",
            "the address where a CI system gives id tokens to its jobs",
        ),
        "when somebody runs `login`, `publish`, `outdated`, `audit`, `verify` or `log`; never from "
        "the process that serves",
        "what the command is about, and the token of who runs it",
        "Do not run them.",
        ports="the one of the address",
        is_default=True,
    ),
)

CONNECTIONS: tuple[OutboundConnection, ...] = (*_ASKED, *_BY_ITSELF, *_AZURE, *_OTHERS)
