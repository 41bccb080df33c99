"""Settings that protect a registry, what each protects, and its state without a secret."""

import re
from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from shared.domain.evidence import ProtectionState
from shared.settings import Settings

# By the field of the setting, in the order of docs/reference/configuration.md's topics.
PROTECTIONS: Mapping[str, str] = {
    "url": "Links, cookies and the accepted origin are those of this address; HTTPS is required.",
    "host": "Only clients of this address of the machine reach the local host.",
    "tls_cert": "TLS of the local host itself; without it a proxy in front of it has TLS.",
    "trusted_proxies": "Only these may say from which address a request comes.",
    "readers": "Who may read public packages: everybody, or people who signed in.",
    "sign_up": "Whether strangers get an account with their first sign-in.",
    "founding": "Who may create organizations.",
    "entra_tenant": "People of this tenant of Microsoft Entra ID sign in.",
    "oidc_issuer": "People sign in with this provider of OpenID Connect.",
    "github_client_id": "People sign in with GitHub; empty means that they do not.",
    "staff": "Who reads internal packages.",
    "require_strong": "Changes of owners and visibility need a sign-in that cannot be phished.",
    "strong_claims": "What an identity provider says of such a sign-in.",
    "entra_accounts": "People who are disabled in Microsoft Entra ID are locked here.",
    "entra_groups": "Groups of Microsoft Entra ID give roles, and end them.",
    "oidc_groups_claim": "Groups of an OpenID provider give roles, and end them.",
    "group_roles_hours": "How long a role by groups lasts that nobody confirms.",
    "two_administrators": "What cannot be taken back waits for a second administrator.",
    "session_idle_hours": "A session ends after so long without a request.",
    "session_days": "A session ends after so many days.",
    "token_days": "Days until a new access token expires, by default.",
    "publish_id_token_hours": "For how many hours a token that an issuer repeats is exchanged.",
    "publish_from_github": "Jobs of these issuers of GitHub may be trusted publishers.",
    "publish_from_gitlab": "Jobs of these issuers of GitLab may be trusted publishers.",
    "publish_from_azure_devops": "Jobs of these issuers of Azure DevOps may be trusted publishers.",
    "publish_from_issuers": "Jobs of these other issuers may be trusted publishers.",
    "report_keys_url": "Reports of leaked tokens are accepted, and end the tokens.",
    "limit_failure": "How many different wrong credentials a client may send in five minutes.",
    "limit_sign_in": "How often a client may try to sign in, in five minutes.",
    "limit_push": "How many releases a client may push in a minute.",
    "limit_read": "How many requests that only read a client may send in a minute.",
    "max_archive_bytes": "How large an archive may be.",
    "max_connections_of_address": "How many connections an address may have.",
    "brake_releases": "Releases of one principal in ten minutes, above which others are held.",
    "brake_packages": "Packages of one principal in ten minutes, above which releases are held.",
    "reports_quarantine": "The weight of reports that quarantines a release; 0 is never.",
    "malware_quarantine": "Releases with an advisory about malware are quarantined at once.",
    "scanner_url": "A scanner sees each release before it is public.",
    "scanner_without_answer": "What happens to a release if the scanner does not answer.",
    "sigstore_roots": "Files with trusted roots of Sigstore; with files nothing is fetched.",
    "typosquats": "Whether packages wait whose names could be confused with popular ones.",
    "reserved_names": "Names of organizations that people may not create.",
    "upstream_minimum_age": "How many days old a release of an upstream has to be.",
    "upstream_withdrawals": "For which reasons a withdrawal of an upstream quarantines here.",
    "advisories_from": "Advisories of others that are read every hour.",
    "log_witnesses": "Witnesses that cosign the transparency log.",
    "audit_days": "For how many days events have the address, the credential and names.",
    "recorded_pulls": "Whose pulls are recorded for 90 days, with account, token and network.",
    "snapshot_days": "For how many days snapshots of the records are kept.",
    "sweep_grace_hours": "Hours until an archive without a release is deleted.",
    "releases_feed": "Administrators see which versions are newer and fix a vulnerability.",
    "upgrade_backup": "A backup is made before the stored data is changed by an upgrade.",
    "inside_hosts": "Hosts of your own network that the registry may call.",
    "webhook_hosts": "Hosts that webhooks may deliver to.",
    "ca_file": "Further authorities of certificates that are trusted.",
    "metrics": "Who reads the metrics.",
    "metrics_token": "The secret that metrics need.",
    "key_vault": "The keys of the registry lie in this vault.",
    "link_key": "The key of links and sessions is in a setting, and no file.",
    "release_keys": "The keys of releases are in a setting, and no file.",
    "log_keys": "The keys of the log are in a setting, and no file.",
    "witness_keys": "The key of the witness is in a setting, and no file.",
    "cosmos_key": "A key of the database; empty means that the identity of the app is used.",
    "blob_connection": "A key of the blobs; empty means that the identity of the app is used.",
    "smtp_encryption": "TLS to the mail server.",
    "security_contact": "Where vulnerabilities of this registry are reported.",
    "abuse_contact": "Where abuse is reported, and where people appeal.",
}


_QUERY = re.compile(r"(?<=\?)[^\s,#]+")  # The query of an address, which may contain a token.


def protections_of(settings: Settings) -> Iterator[ProtectionState]:
    """Yield the state of each setting that protects."""
    variables: dict[str, str] = {}
    for name, variable in Settings.variables():
        variables.setdefault(name, variable.upper())
    for name, protects in PROTECTIONS.items():
        value = getattr(settings, name)
        default = Settings.model_fields[name].get_default(call_default_factory=True)
        yield ProtectionState(variables[name], protects, _state(name, value), value == default)


def _state(name: str, value: object) -> str:
    if isinstance(value, SecretStr) or (value is None and _is_secret(name)):
        return "set" if value else "not set"
    shown = "" if value is None else str(getattr(value, "value", value))
    return _QUERY.sub("…", shown)


def _is_secret(name: str) -> bool:
    return "SecretStr" in str(Settings.model_fields[name].annotation)
