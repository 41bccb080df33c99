"""docs/reference/security.md lists every connection to another machine, and no module but those
that are named here can open one."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from shared.declarations.outbound import CONNECTIONS
from shared.settings import Settings
from tests.paths import docs
from tests.repo.product_source import Module, product
from tests.support.outbound_table import allowed_table, outbound_table

# What opens connections: libraries, and parts of our own that have one.
LIBRARIES = {
    "aiohttp",
    "aiosmtplib",
    "azure",
    "dns",
    "ftplib",
    "http.client",
    "httpcore",
    "httpx",
    "imaplib",
    "msal",
    "opentelemetry",
    "poplib",
    "requests",
    "sigstore",
    "smtplib",
    "socket",
    "telnetlib",
    "tuf",
    "urllib.request",
    "urllib3",
    "websockets",
    "xmlrpc.client",
}
CALLS = {
    "connect_ex",
    "create_connection",
    "create_datagram_endpoint",
    "create_unix_connection",
    "getaddrinfo",
    "gethostbyname",
    "open_connection",
    "open_unix_connection",
    "sendto",
    "sock_connect",
}
CLIENTS = {"AsyncTokenCredential", "GuardedFetcher", "HttpClient", "HttpDownloader", "Network"}
CLIENTS_OF_ADAPTERS = {
    "advisory_dumps",
    "connect",
    "connect_scanner",
    "connect_upstream",
    "edge",
    "fetcher",
    "mailer",
    "scanner",
}

# The modules of each connection; a path that ends with a slash or an underscore is the beginning
# of several.
MODULES: Mapping[str, tuple[str, ...]] = {
    "sign-in with Entra ID": ("shared/auth/entra_sign_in.py", "shared/auth/issuer_keys.py"),
    "Microsoft Graph": ("shared/auth/microsoft_graph.py",),
    "sign-in with OpenID Connect": ("shared/auth/openid_connect.py", "shared/auth/issuer_keys.py"),
    "sign-in with GitHub": ("shared/auth/openid_connect.py",),
    "keys of CI systems": ("shared/auth/issuer_keys.py",),
    "ids of repositories": ("shared/services/tokens/repository_ids.py",),
    "upstream registries": ("shared/adapters/upstream.py",),
    "scanner": ("shared/services/publishing/scanner.py",),
    "keys of secret scanners": ("shared/auth/leak_reports.py",),
    "webhooks": ("shared/services/organizations/webhook_delivery.py",),
    "mail by SMTP": ("shared/adapters/mail.py",),
    "mail by Azure": ("shared/adapters/mail.py",),
    "RDAP": ("shared/services/identity/mail_domains.py",),
    "dumps of advisories": ("shared/adapters/advisory_dumps.py",),
    "releases of Ballroom": ("shared/services/product_releases.py",),
    "witnesses": ("shared/services/transparency/cosigning.py",),
    "trusted root of Sigstore": ("shared/services/provenance/trusted_root_renewal.py",),
    "Cosmos DB": ("shared/adapters/cloud.py", "shared/adapters/cosmos/"),
    "Blob Storage": (
        "shared/adapters/cloud.py",
        "shared/adapters/blob/",
        "shared/adapters/search/cloud_",
    ),
    "Key Vault": ("shared/adapters/azure_services.py",),
    "identity of the app": ("shared/auth/entra.py",),
    "Front Door": ("shared/adapters/azure_services.py",),
    "Application Insights": ("shared/telemetry/azure_metrics.py", "shared/telemetry/spans.py"),
    "name servers": ("shared/adapters/network.py", "shared/adapters/http_fetcher.py"),
    "proxy": ("shared/adapters/network.py", "shared/adapters/http_fetcher.py"),
    "the own address": ("shared/adapters/certificates.py",),
    "commands for clients": (
        "shared/ci_job.py",
        "shared/login.py",
        "shared/outdated.py",
        "shared/script_client.py",
        "shared/verification/registry_client.py",
        "shared/verify.py",
    ),
}
# They hand clients to the modules above, or open none.
BESIDE: Mapping[str, str] = {
    "shared/bootstrap/": "makes the clients",
    "shared/command_line.py": "asks the registry of this machine whether it is ready",
    "shared/adapters/azure_transports.py": "the transport of the libraries of Azure",
    "shared/adapters/serving_processes.py": "reads the name of this machine",
    "shared/confined/sigstore_bundles.py": "verifies in the confined process, without a network",
    "shared/confined/trusted_roots.py": "says in the confined process what to fetch",
    "shared/hosting/http_server/": "listens",
    "shared/runtime/connection_problems.py": "reads errors",
    "shared/services/adapters.py": "has the type of the adapters",
}
# The functions of shared/registry/ that take a client, and whose connections those are.
SERVICES: Mapping[str, tuple[str, ...]] = {
    "administration.product_releases": ("releases of Ballroom",),
    "administration.reachability": (
        "mail by SMTP",
        "mail by Azure",
        "scanner",
        "webhooks",
    ),  # `doctor`
    "advisories.updates": ("dumps of advisories",),
    "foundation.mail_delivery": ("mail by SMTP", "mail by Azure"),
    "identity.issuer_discovery": ("keys of CI systems",),
    "identity.issuer_keys": ("keys of CI systems",),
    "identity.mail_domains": ("RDAP",),
    "identity_providers.entra_provider": ("sign-in with Entra ID", "Microsoft Graph"),
    "identity_providers.identity_providers": ("sign-in with OpenID Connect", "sign-in with GitHub"),
    "mirroring.upstreams": ("upstream registries",),
    "organizations.webhook_delivery": ("webhooks",),
    "packages.archive_relocation": ("Front Door",),
    "publishing.erasure": ("Front Door",),
    "publishing.scanner": ("scanner",),
    "publishing.trusted_root_renewal": ("trusted root of Sigstore",),
    "tokens.leak_reports": ("keys of secret scanners",),
    "tokens.repository_ids": ("ids of repositories",),
    "transparency.cosigning": ("witnesses",),
}


def test_the_page_has_the_table_of_the_declarations() -> None:
    [text] = re.findall(
        r"<!-- outbound -->\n(.*?)\n<!-- end -->", docs("reference/security"), re.DOTALL
    )
    assert text == outbound_table()


def test_the_page_about_firewalls_has_every_host() -> None:
    [text] = re.findall(r"<!-- allowed -->\n(.*?)\n<!-- end -->", docs("run/firewall"), re.DOTALL)
    assert text == allowed_table()


def test_every_setting_of_the_table_exists() -> None:
    settings = {variable.upper() for _, variable in Settings.variables()}
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", outbound_table()))
    assert named <= settings


def test_every_connection_says_what_forbids_it() -> None:
    assert [each.name for each in CONNECTIONS if not each.setting.endswith(".")] == []
    assert len({each.name for each in CONNECTIONS}) == len(CONNECTIONS)


def test_no_other_module_can_open_a_connection() -> None:
    declared = tuple(path for paths in MODULES.values() for path in paths)
    other = {
        module.path: sorted(ways)
        for module in product()
        if (ways := {*ways_out(module)}) and not module.path.startswith((*declared, *BESIDE))
    }
    assert other == {}, (
        "These modules can connect to other machines. Declare the connection in "
        "shared/declarations/outbound.py, write the table into docs/reference/security.md, and add "
        "the module here."
    )


def test_every_module_that_is_named_here_can_open_one() -> None:
    able = [module.path for module in product() if any(ways_out(module))]
    named = [*(path for paths in MODULES.values() for path in paths), *BESIDE]
    gone = {path for path in named if not any(each.startswith(path) for each in able)}
    assert gone == set()
    assert list(MODULES) == [each.name for each in CONNECTIONS]


def test_no_other_service_gets_a_client() -> None:
    found = {
        f"{Path(module.path).stem}.{function.name}"
        for module in product()
        if module.path.startswith("shared/registry/")
        for function in module.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and node.attr in CLIENTS_OF_ADAPTERS
        and ast.unparse(node.value) in {"adapters", "self._adapters"}
    }
    assert found == {*SERVICES}
    assert {name for names in SERVICES.values() for name in names} <= {*MODULES}


def ways_out(module: Module) -> Iterator[str]:
    """Find by what a module could connect to another machine."""
    for node in module.find(ast.Import):
        yield from (each.name for each in node.names if is_library(each.name))
    for node in module.find(ast.ImportFrom):
        if is_library(node.module or ""):
            yield node.module or ""
        yield from (each.name for each in node.names if each.name in CLIENTS)
    for node in module.find(ast.Attribute):
        if node.attr in CALLS:
            yield node.attr


def is_library(module: str) -> bool:
    """Check whether a library opens connections; its errors and the API of the host open none."""
    if module.endswith((".exceptions", ".errors")) or module.startswith("azure.functions"):
        return False
    return module in LIBRARIES or module.partition(".")[0] in LIBRARIES
