"""Settings that cannot be used stop the start, with a line that names them."""

import re

import pytest
from pydantic import SecretStr, ValidationError

from shared.domain.archives.delivery import Cdn
from shared.domain.client_addresses import parse_networks
from shared.domain.mirror_rules import parse_upstreams
from shared.domain.rate_limits import RateLimitClass, RateLimitSubject
from shared.settings import Settings
from shared.settings.earlier import GONE_SETTINGS
from shared.settings.problems import refused_setting, setting_problem, unknown_settings
from shared.settings.values import MIB, split_list


def problem(**settings: object) -> str:
    """Return the line that the operator reads."""
    with pytest.raises(ValidationError) as invalid:
        Settings.model_validate(settings)
    return setting_problem(invalid.value)


SECRETS = sorted(
    name for name, info in Settings.model_fields.items() if "SecretStr" in str(info.annotation)
)


@pytest.mark.parametrize(
    "url",
    [
        "https://ballroom.example.org",
        "https://ballroom.example.org/",
        "http://127.0.0.1:7071",
        "http://[::1]:7071",
        "http://127.0.0.1:7071/",
    ],
)
def test_an_address_is_taken_without_the_slash_at_its_end(url: str) -> None:
    assert Settings(url=url).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "ballroom.example.org",
        "ftp://ballroom.example.org",
        "https://",
        "https:///packages",
        "https://user:secret@example.org",
        "https://example.org?a=b",
        "https://example.org#a",
        "https://example.org\r\nSet-Cookie: a=b",
        "https://example.org\n",
        'https://example.org"',
        "https://example.org/a b",
    ],
)
def test_an_address_that_no_link_can_begin_with_is_refused(url: str) -> None:
    line = problem(url=url)
    assert line.startswith("BALLROOM_URL cannot be used: '")
    assert " is not a valid URL, such as https://ballroom.example.org." in line
    assert "secret" not in line


@pytest.mark.parametrize("url", ["https://example.org/ballroom", "http://127.0.0.1:7071/a/"])
def test_a_registry_has_a_host_of_its_own(url: str) -> None:
    line = problem(url=url)
    assert line.startswith(f"BALLROOM_URL cannot be used: '{url}' has a path")
    assert "such as https://ballroom.example.org." in line


def test_proxies_are_networks() -> None:
    assert Settings().proxies == ()
    assert Settings(trusted_proxies="127.0.0.1, 10.0.0.0/8").proxies == parse_networks(
        "127.0.0.1 10.0.0.0/8"
    )


@pytest.mark.parametrize("operation", RateLimitClass)
def test_every_limit_is_a_setting(operation: RateLimitClass) -> None:
    name = f"limit_{operation.name.lower()}"
    assert Settings().limits_of(operation).limits, "a default that limits nobody"
    chosen = Settings.model_validate({name: "address=7"})
    assert chosen.limits_of(operation).limits == {RateLimitSubject.ADDRESS: 7}
    assert problem(**{name: "7"}).startswith(f"BALLROOM_{name.upper()} cannot be used: '7' is no")


def test_by_default_a_token_may_push_120_times_a_minute() -> None:
    assert Settings().limits_of(RateLimitClass.PUSH).limits[RateLimitSubject.TOKEN] == 120


SMTP = {"mail": "smtp", "mail_from": "ballroom@example.org", "smtp_host": "mail.example.org"}
AZURE = {
    "mail": "azure",
    "mail_from": "ballroom@example.org",
    "acs_endpoint": "https://ballroom.communication.azure.com",
}


@pytest.mark.parametrize("wanted", [SMTP, AZURE], ids=["smtp", "azure"])
def test_mail_takes_what_it_is_sent_with(wanted: dict[str, str]) -> None:
    assert Settings.model_validate(wanted).mail == wanted["mail"]
    for name in set(wanted) - {"mail"}:
        without = {key: value for key, value in wanted.items() if key != name}
        assert problem(**without).startswith(f"BALLROOM_{name.upper()} cannot be used: ")


def test_a_laptop_sends_no_mail_and_needs_no_address() -> None:
    settings = Settings.model_validate({})
    assert (settings.mail, settings.mail_from, settings.smtp_encryption) == (
        "console",
        "",
        "starttls",
    )


def test_reserved_names_are_separated_by_commas() -> None:
    settings = Settings.model_validate({"reserved_names": "wso2*, admin,,"})
    assert settings.reserved_patterns == ("wso2*", "admin")


def test_issuers_of_jobs_are_separated_by_commas() -> None:
    assert split_list(" https://gitlab.com,https://git.example.org , ") == [
        "https://gitlab.com",
        "https://git.example.org",
    ]


CLOUD = {
    "cosmos_endpoint": "https://cosmos.example.org",
    "blob_endpoint": "https://blobs.example.org",
    "link_key": "a" * 32,
}


def test_both_stores_of_the_cloud_select_it() -> None:
    assert not Settings().is_in_the_cloud
    chosen = Settings.model_validate({**CLOUD, "cosmos_endpoint": "https://cosmos.example.org/"})
    assert chosen.is_in_the_cloud
    assert chosen.cosmos_endpoint == "https://cosmos.example.org"


@pytest.mark.parametrize("name", sorted(CLOUD))
def test_missing_settings_of_the_cloud_are_named(name: str) -> None:
    line = problem(**{**CLOUD, name: None if name == "link_key" else ""})
    named = "blob_endpoint" if name == "cosmos_endpoint" else name
    assert line.startswith(f"BALLROOM_{named.upper()} cannot be used: ")


@pytest.mark.parametrize("name", ["cosmos_key", "blob_connection"])
def test_a_key_of_a_store_that_is_not_there_is_refused(name: str) -> None:
    line = problem(**{name: "secret of the store"})
    assert line.startswith(f"BALLROOM_{name.upper()} cannot be used: it is set, and")
    assert "secret of" not in line
    assert Settings.model_validate({**CLOUD, name: "secret of the store"})


# --- bytes -------------------------------------------------------------------------------------

FRONT_DOOR = (
    "/subscriptions/0f/resourceGroups/rg-ballroom/providers/Microsoft.Cdn/profiles/afd-ballroom"
    "/afdEndpoints/ballroom-x"
)


@pytest.mark.parametrize(
    ("given", "cdn"),
    [
        ({}, Cdn.NONE),
        ({"archive_cdn_url": "https://cdn.example.org/"}, Cdn.STRIPPING),
        (
            {"archive_cdn_url": "https://cdn.example.org", "archive_cdn_origin": "blobs"},
            Cdn.READING_BLOBS,
        ),
    ],
)
def test_a_cdn_is_known_by_its_address_and_what_it_does(given: dict[str, str], cdn: Cdn) -> None:
    settings = Settings.model_validate(given)
    assert settings.archive_cdn is cdn
    assert not settings.archive_cdn_url.endswith("/")


@pytest.mark.parametrize("id_", ["", FRONT_DOOR, FRONT_DOOR.lower()])
def test_an_endpoint_of_front_door_is_known_by_its_id(id_: str) -> None:
    assert Settings(archive_cdn_resource=id_).archive_cdn_resource == id_


VAULT = {**CLOUD, "link_key": None, "key_vault": "https://kv.vault.azure.net/"}
UNRESOLVED = "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/x)"


def test_the_key_of_the_cloud_may_be_in_a_vault() -> None:
    chosen = Settings.model_validate(VAULT)
    assert (chosen.key_vault, chosen.key_secret) == ("https://kv.vault.azure.net", "link-key")
    assert chosen.link_key is None


@pytest.mark.parametrize("name", [*SECRETS, "url", "environment", "workers"])
@pytest.mark.parametrize("text", [UNRESOLVED, f" {UNRESOLVED.lower()}"])
def test_a_reference_that_azure_did_not_resolve_is_no_value(name: str, text: str) -> None:
    line = problem(**{**CLOUD, name: text})
    variable = VARIABLES.get(name, f"BALLROOM_{name.upper()}")
    assert line.startswith(f"{variable} cannot be used: it is a reference to a secret")
    assert "kv.vault" not in line
    assert "restart the app" in line


def test_a_reference_is_found_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLROOM_LINK_KEY", UNRESOLVED)
    with pytest.raises(ValidationError) as invalid:
        Settings.load()
    assert refused_setting(invalid.value) == "BALLROOM_LINK_KEY"


VARIABLES = {
    "https_proxy": "HTTPS_PROXY",
    "http_proxy": "HTTP_PROXY",
    "insights_connection": "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "workers": "WORKERS",
}


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [
        ("BALLROOM_DATTA", " Did you mean BALLROOM_DATA?"),
        ("ballroom_trusted_proxy", " Did you mean BALLROOM_TRUSTED_PROXIES?"),
        ("BALLROOM_PORT", " Did you mean PORT?"),
        ("BALLROOM_WORKERS", " Did you mean WORKERS?"),
        ("BALLROOM_QQQQQQQQQQQQ", ""),
    ],
)
def test_an_unknown_setting_is_named_with_the_nearest_known_one(
    monkeypatch: pytest.MonkeyPatch, variable: str, suggestion: str
) -> None:
    monkeypatch.setenv(variable, "1")
    [sentence] = unknown_settings()
    named = f"{variable} is not a setting, and has no effect."
    page = "docs/reference/configuration.md lists"
    assert sentence == f"{named}{suggestion} {page} every setting."


def test_known_settings_and_those_of_the_scripts_are_not_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("BALLROOM_DATA", "ballroom_url", "PORT", *OF_OTHERS):
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("BALLROOM_PORT", "tcp://10.0.0.7:7071")  # Of a service of Kubernetes.
    assert unknown_settings() == []


OF_OTHERS = (
    "BALLROOM_BACKUPS",
    "BALLROOM_BACKUPS_KEPT",
    "BALLROOM_DOMAIN",
    "BALLROOM_IMAGE",
    "BALLROOM_TOKEN",
    "BALLROOM_SERVICE_HOST",
    "BALLROOM_WEB_SERVICE_PORT_HTTP",
    "BALLROOM_PORT_7071_TCP",
    "BALLROOM_PORT_7071_TCP_ADDR",
)


@pytest.mark.parametrize("variable", [*GONE_SETTINGS, "ballroom_bundle"])
def test_a_setting_of_an_earlier_version_is_named_with_what_took_its_place(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    [sentence] = unknown_settings()
    assert sentence.startswith(f"{variable} is a setting of an earlier version, and has no effect.")
    assert GONE_SETTINGS[variable.upper()] in sentence
    assert "Did you mean" not in sentence


def test_a_mistyped_name_is_not_taken_for_one_of_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLROOM_TOKEN_DAY", "1")
    [sentence] = unknown_settings()
    assert "Did you mean BALLROOM_TOKEN_DAYS?" in sentence


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ("67108864", 64 * MIB),
        ("64MiB", 64 * MIB),
        ("64 mib", 64 * MIB),
        ("0.5GiB", 512 * MIB),
        ("64MB", 64_000_000),
        ("65536KiB", 64 * MIB),
        ("67108864B", 64 * MIB),
        ("6.7108864e+07", 64 * MIB),
    ],
)
def test_a_size_is_in_bytes_or_has_a_unit(given: object, size: int) -> None:
    assert Settings.model_validate({"max_archive_bytes": given}).max_archive_bytes == size


@pytest.mark.parametrize("given", ["64M", "64 megabytes", "lots", "0.3", "-1", "", "1e999"])
def test_a_text_that_is_no_size_is_refused_with_an_example(given: str) -> None:
    line = problem(max_archive_bytes=given)
    shown = f"'{given}'" if given else "an empty text"
    assert line.startswith(f"BALLROOM_MAX_ARCHIVE_BYTES cannot be used: {shown} is not a size in")
    assert "such as 64MiB." in line


def test_a_size_that_is_too_small_is_refused_with_the_smallest() -> None:
    line = problem(max_anonymous_bytes="1MiB")
    assert "a size in bytes or with a unit of at least 8388608, such as 64MiB." in line


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
@pytest.mark.parametrize("value", ["", "-7", "1.5x", "not \x07 usable", "http://a b", "x" * 2_000])
def test_no_text_of_the_validator_reaches_an_operator(name: str, value: str) -> None:
    """Whatever is refused is one sentence with the value, if it is no secret, and an example."""
    try:
        Settings.model_validate({name: value})
    except ValidationError as invalid:
        line = setting_problem(invalid)
        variable = refused_setting(invalid)
        reason = line.removesuffix(" docs/reference/configuration.md lists every setting.")
        assert not re.search(r"Input should|Value error|String should|valid (integer|number)", line)
        assert len(line.splitlines()) == 1
        assert line.isprintable()
        assert reason.startswith(f"{variable} cannot be used: ")
        is_about_another = "is empty" in reason or "is set" in reason
        assert is_about_another or "such as " in reason or name in SECRETS
        if name in SECRETS and value:
            assert value not in reason
        elif value and not is_about_another:
            assert value[:5].strip("\x07") in reason


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"port": "abc"}, "PORT cannot be used: 'abc' is not a whole number from 1 to 65535, such"),
        ({"token_days": "3 weeks"}, "'3 weeks' is not a whole number of days from 1 to 365, such"),
        ({"upgrade_backup": "maybe"}, "'maybe' is not true or false, such as true."),
        ({"readers": "staff"}, "'staff' is not one of everybody, signed_in, such as everybody."),
        ({"mail": "pigeon"}, "'pigeon' is not one of console, smtp, azure, such as console."),
        ({"log_share": "2"}, "'2' is not a number from 0 to 1, such as 1."),
        (
            {"trace_share": "0.1"},
            "traces go to Application Insights, and APPLICATIONINSIGHTS_CONNECTION_STRING is not",
        ),
        ({"oidc_name": "x" * 41}, "is not a text of 1 to 40 characters, such as OpenID Connect."),
        ({"oidc_issuer": "http://login.example.org"}, "is plain http, which is allowed on this"),
        ({"entra_authority": "http://127.0.0.1:8080"}, "is plain http. Use https, such as"),
        ({"publish_from_gitlab": "http://gitlab.example.org"}, "is plain http, which is allowed"),
        (
            {
                "publish_from_gitlab": "https://git.example.org",
                "publish_from_issuers": "ci=https://git.example.org",
            },
            " has https://git.example.org, which BALLROOM_PUBLISH_FROM_GITLAB has too",
        ),
        ({"inside_hosts": "https://login.example.org"}, "which is not a host or host:port, such"),
        ({"inside_hosts": "login.example.org:70000"}, "which is not a host or host:port, such"),
        ({"inside_hosts": "ok.example.org, a/b"}, "has 'a/b', which is not a host or host:port"),
        ({"smtp_host": "smtp://mail.example.org"}, "is not a host without scheme and port, such"),
        ({"host": "0.0.0.0:7071"}, "'0.0.0.0:7071' is not a host without scheme and port"),
        ({"host": ""}, "it is empty. Give an address of this machine, such as 127.0.0.1"),
        ({"data": ""}, "it is empty. Give a folder, such as /var/lib/ballroom"),
        ({"entra_groups": "true"}, "BALLROOM_ENTRA_TENANT is empty; groups need that provider"),
        ({"oidc_groups_claim": "teams"}, "BALLROOM_OIDC_ISSUER is empty; groups need that"),
        ({"require_strong": "true"}, "BALLROOM_REQUIRE_STRONG cannot be used: it is set, and"),
        (
            {"require_strong": "true", "github_client_id": "c", "github_client_secret": "hidden"},
            "BALLROOM_ENTRA_TENANT and BALLROOM_OIDC_ISSUER are empty; no other sign-in is strong",
        ),
        ({"staff": "@a.test, GitHub"}, "names github, and BALLROOM_GITHUB_CLIENT_ID is empty"),
        ({"staff": "entra"}, "names entra, and BALLROOM_ENTRA_TENANT is empty"),
        ({"smtp_user": "ballroom"}, "BALLROOM_SMTP_PASSWORD cannot be used: it is empty, and"),
        ({"tls_key": "key.pem"}, "BALLROOM_TLS_CERT is empty; HTTPS needs the certificate"),
        ({"limit_mirror": "token=5"}, "'token=5' is not a limit of addresses"),
        ({"launcher": "'ballroom"}, "is not a command in the form of a shell, such as"),
        ({"reserved_names": "acme/*"}, "which is no name of an organization, such as acme"),
        ({"staff": "example.org"}, "nor one of entra, oidc, github, groups, such as @example.org"),
        ({"report_keys_url": "https://u:hidden@a.test/?sig=hidden"}, "'https://****@a.test/?****'"),
    ],
)
def test_a_refused_value_is_named_with_its_form_and_an_example(
    given: dict[str, str], reason: str
) -> None:
    line = problem(**given)
    assert reason in line
    assert "hidden" not in line


@pytest.mark.parametrize(
    "given",
    [
        {"oidc_issuer": "http://127.0.0.1:8080/realms/x/", "oidc_client_id": "c"}
        | {"oidc_client_secret": "s", "oidc_groups_claim": "teams", "require_strong": "true"}
        | {"staff": "oidc"},
        {"smtp_user": "ballroom", "smtp_password": "s"},
        {"inside_hosts": "localhost, 10.0.0.7, 10.0.0.7:8443, [::1]:80, ::1, a_b.corp.:443"},
        {"host": "::"},
        {"tls_cert": "", "tls_key": ""},
        {"limit_failure": "", "limit_mirror": ""},
        {"trusted_proxies": "127.0.0.1 10.0.0.0/8"},
    ],
)
def test_a_value_of_the_right_form_is_accepted(given: dict[str, str]) -> None:
    Settings.model_validate(given)


@pytest.mark.parametrize(
    ("given", "name", "url"),
    [
        ("", "", ""),
        ("central", "central", "https://api.central.ballerina.io/2.0/registry"),
        ("https://a.example/", "a.example", "https://a.example/2.0/registry"),
        ("https://a.example/2.0/registry", "a.example", "https://a.example/2.0/registry"),
        ("http://localhost:8080", "localhost:8080", "http://localhost:8080/2.0/registry"),
        ("http://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1/2.0/registry"),
    ],
)
def test_an_upstream_is_central_or_an_address(given: str, name: str, url: str) -> None:
    settings = Settings(upstream=given)
    assert [(each.name, each.url) for each in settings.upstreams] == ([(name, url)] if name else [])


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        ("blr_dev_1", {}),
        ("a.example=blr_dev_1", {"a.example": "blr_dev_1"}),
        ("A.example=ey.x-y_z~+/==, central=two", {"a.example": "ey.x-y_z~+/==", "central": "two"}),
        ("b.example:8080=three", {"b.example:8080": "three"}),
    ],
)
def test_a_token_is_for_one_upstream(given: str, tokens: dict[str, str]) -> None:
    upstreams = "https://a.example,central" if tokens else "https://a.example"
    settings = Settings(upstream=upstreams, upstream_token=SecretStr(given))
    assert given not in repr(settings)
    addresses = parse_upstreams(["https://a.example", "central", "https://b.example:8080"])
    found = {each.name: settings.token_of(each) for each in addresses}
    expected = tokens or {"a.example": given}
    assert {name: each.reveal() for name, each in found.items() if each} == expected


def test_without_a_token_there_is_none() -> None:
    settings = Settings(upstream="central")
    assert [settings.token_of(each) for each in settings.upstreams] == [None]


@pytest.mark.parametrize(
    ("upstream", "given", "reason"),
    [
        ("", "blr_dev_1", "it does not say which registry it is for"),
        ("central,https://a.example", "blr_dev_1", "it does not say which registry it is for"),
        ("central", "blr dev 1", "it is not a token, or host=token for each registry"),
        ("central", "one,two", "it has two tokens for central. Give one"),
    ],
)
def test_a_token_that_cannot_be_used_is_refused_without_its_text(
    upstream: str, given: str, reason: str
) -> None:
    with pytest.raises(ValidationError) as invalid:
        Settings(upstream=upstream, upstream_token=SecretStr(given))
    problem = setting_problem(invalid.value)
    assert problem.startswith(f"BALLROOM_UPSTREAM_TOKEN cannot be used: {reason}")
    assert given not in problem


# What cannot be used, by the setting and the beginning of the sentence.
NO_URL = " is not a valid URL"
EMULATOR = "http://127.0.0.1:8081"
HOST_TWICE = "https://a.example,https://A.example/"
HOSTS = "https://a{}.example"
_GITHUB = "which belongs in BALLROOM_PUBLISH_FROM_GITHUB"
REFUSED: list[tuple[str, object, str]] = [
    *(("environment", value, "") for value in ("Prod", "my_registry", "", "a" * 13, "prod\n")),
    *(("log_level", value, "") for value in ("INFO", "infos", "verbose")),
    ("trusted_proxies", "example.org", "'example.org' is not a list of addresses"),
    ("report_keys_url", "scanner.example", NO_URL),
    ("mail", "pigeon", ""),
    ("mail_from", "ballroom", ""),
    ("smtp_encryption", "maybe", ""),
    ("acs_endpoint", "http://ballroom.communication.azure.com", ""),
    ("founding", "nobody", ""),
    ("publish_from_github", "token.actions.githubusercontent.com", ""),
    ("publish_from_gitlab", "https://gitlab.com, gitlab.example.org", ""),
    ("publish_from_azure_devops", "octo", ""),
    *(
        ("publish_from_issuers", value, f" has {value!r}, which is not a label and an issuer")
        for value in ("https://ci.example.org", "ci=", "=https://ci.example.org", "C I=https://a")
    ),
    ("publish_from_issuers", "ci=http://ci.example.org", " is plain http"),
    ("publish_from_issuers", "ci=ci.example.org", NO_URL),
    ("publish_from_issuers", "ci=https://a.test, ci=https://b.test", " has ci twice"),
    ("publish_from_issuers", "a=https://a.test,b=https://a.test", " has https://a.test twice"),
    ("publish_from_issuers", "hub=https://token.actions.githubusercontent.com/octo", _GITHUB),
    ("publish_from_issuers", "hub=https://token.actions.octo.ghe.com", _GITHUB),
    ("publish_from_issuers", "hub=https://git.example.org/_services/token", _GITHUB),
    ("publish_from_issuers", "github=https://ci.example.org", _GITHUB),
    ("publish_from_issuers", "lab=https://GitLab.com", "belongs in BALLROOM_PUBLISH_FROM_GITLAB"),
    ("publish_id_token_hours", "0", ""),
    ("publish_id_token_hours", "49", ""),
    ("archive_cdn_url", "cdn.example.org", ""),
    ("archive_cdn_resource", "ballroom-x", ""),
    ("archive_cdn_resource", f"{FRONT_DOOR}/purge?x=", ""),
    ("key_vault", "https://kv.vault.azure.net", "it is set, and BALLROOM_COSMOS"),
    *(("upstream", value, NO_URL) for value in ("Central", "https://user@a.example")),
    ("upstream", "http://a.example", " is plain http, which is allowed on this machine only."),
    ("upstream", HOST_TWICE, " names one host twice. Name each once"),
    ("upstream", ",".join(map(HOSTS.format, range(11))), " names more than 10 registries"),
]
REFUSED_IN_THE_CLOUD = [
    ("cosmos_endpoint", "ballroom", NO_URL),
    ("blob_endpoint", "ballroom", NO_URL),
    ("link_key", "a" * 32, "BALLROOM_KEY_VAULT is set as well"),
    *(("key_vault", value, " is not ") for value in ("http://kv.test", "kv", "https://kv/?x=1")),
    ("key_secret", "secrets/link-key", ""),
]


@pytest.mark.parametrize(
    ("others", "name", "value", "reason"),
    [*(({}, *each) for each in REFUSED), *((VAULT, *each) for each in REFUSED_IN_THE_CLOUD)],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_setting_and_the_reason(
    others: dict[str, object], name: str, value: object, reason: str
) -> None:
    line = problem(**{**others, name: value})
    assert line.startswith(f"BALLROOM_{name.upper()} cannot be used: ")
    assert reason in line


@pytest.mark.parametrize(
    ("endpoint", "key"), [("cosmos_endpoint", "cosmos_key"), ("blob_endpoint", "blob_connection")]
)
def test_without_its_key_an_emulator_is_not_asked(endpoint: str, key: str) -> None:
    line = problem(**{**CLOUD, endpoint: EMULATOR})
    assert line.startswith(f"BALLROOM_{key.upper()} cannot be used: it is empty, and no identity")
