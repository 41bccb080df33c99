"""The scripts beside the templates, against a stand-in for the command line of Azure."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.blob.client import BLOB_CONTAINERS
from shared.auth.log_keys import LogKeyRing
from shared.auth.release_keys import ReleaseKeyRing
from shared.auth.signing_keys import KeyRing
from shared.domain.client_addresses import parse_networks
from tests.paths import ROOT, docs
from tests.repo.azd_project import PROJECT
from tests.repo.azd_project import TEXT as HOOKS
from tests.support.bicep_templates import MAIN, module, template

BOUND_SECONDS = 60.0

PAGE = docs("run/azure/operations", "run/azure/deployment")
SCRIPTS = "\n".join(path.read_text() for path in sorted((ROOT / "infra").glob("*.sh")))

# Answers what the scripts ask, keeps the key in a file, and writes down how it was called.
AZ = """\
#!/bin/sh
echo "$(basename "$0") $*" >> "$HOME/calls"
# What $HOME/troubles holds: for each call that fails a line with what is written about it.
if [ "$1" = keyvault ] && [ -s "$HOME/troubles" ]; then
    head -n 1 "$HOME/troubles" >&2
    sed 1d "$HOME/troubles" > "$HOME/fewer"
    mv "$HOME/fewer" "$HOME/troubles"
    exit 1
fi
# The file that stands for a secret.
secret() {
    while [ "$1" != --name ]; do shift; done
    if [ "$2" = link-key ]; then echo "$HOME/key"; else echo "$HOME/$2"; fi
}
case "$*" in
*"secret list-deleted"*) [ ! -f "$HOME/deleted" ] || echo link-key ;;
*"secret list"*)
    [ -f "$HOME/key" ] && echo link-key
    for each in release-keys log-keys witness-keys; do [ -f "$HOME/$each" ] && echo $each; done ;;
*"secret show"*) cat "$(secret "$@")" && echo ;;
*"secret set"*)
    file=$(secret "$@")
    while [ "$1" != --file ]; do shift; done
    cp "$2" "$file" ;;
*"lock list"*) [ -f "$HOME/locks" ] && cat "$HOME/locks" ;;
*list-service-tags*) [ -f "$HOME/addresses" ] && cat "$HOME/addresses" ;;
*"account show"*) echo tenant-1 ;;
*"app create"*) echo client-1 ;;
*"app list"*) [ ! -f "$HOME/named" ] || echo client-2 ;;
*"app show"*) [ -f "$HOME/registered" ] || exit 3 ;;
*"credential list --id client-1"*) [ ! -f "$HOME/registered" ] || echo principal-0 ;;
*"credential list --id client-2"*) cat "$HOME/named" ;;
*"get-value AZURE_ENV_NAME"*) echo production ;;
*"get-value"*) exit 1 ;;
*"credential create"* | *"credential update"*) cp "${*##*@}" "$HOME/trust.json" ;;
*resource-accesses*) cp "${*##*@}" "$HOME/graph.json" ;;
*admin-consent*) [ ! -f "$HOME/developer" ] || exit 1 ;;
esac
exit 0
"""

FORBIDDEN = "ERROR: (Forbidden) Caller is not authorized to perform action on resource."


@dataclass(frozen=True)
class Cloud:
    """What stands in for Azure."""

    folder: Path

    def run(
        self, script: str, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script of infra."""
        known = {"BALLROOM_IDENTITY_PRINCIPAL_ID": "principal-1", "PAUSE": "0"}
        return self._run(str(ROOT / "infra" / script), *arguments, **known | environment)

    def run_hook(self, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a hook of azure.yaml as azd does: in the folder of the project."""
        return self._run("-c", PROJECT["hooks"][name]["posix"]["run"], **environment)

    def _run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}:{os.environ.get('PATH', os.defpath)}"
        return subprocess.run(
            ["/bin/sh", *words],
            cwd=ROOT,
            env={"PATH": path, "HOME": str(self.folder), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=BOUND_SECONDS,
        )

    @property
    def key(self) -> str:
        """Return what the vault holds."""
        return (self.folder / "key").read_text()

    def fail_with(self, *troubles: str) -> None:
        """Let the next calls of the vault fail."""
        (self.folder / "troubles").write_text("".join(f"{each}\n" for each in troubles))

    @property
    def release_keys(self) -> str:
        """Return what the vault holds of the keys that sign releases."""
        return (self.folder / "release-keys").read_text()

    @property
    def log_keys(self) -> str:
        """Return what the vault holds of the keys of the log."""
        return (self.folder / "log-keys").read_text()

    @property
    def witness_keys(self) -> str:
        """Return what the vault holds of the key of the witness."""
        return (self.folder / "witness-keys").read_text()

    @property
    def calls(self) -> str:
        """Return how Azure was called."""
        return (self.folder / "calls").read_text()


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    for name in ("az", "azd", "azcopy"):
        (tmp_path / name).write_text(AZ)
        (tmp_path / name).chmod(0o755)
    return Cloud(tmp_path)


def test_a_rotation_leaves_the_previous_key_and_no_other(cloud: Cloud) -> None:
    cloud.run("keys.sh", "vault-1")
    first = cloud.key
    cloud.run("keys.sh", "vault-1", "rotate")
    second, kept = cloud.key.split(",")
    assert kept == first != second
    cloud.run("keys.sh", "vault-1", "rotate")
    third, kept = cloud.key.split(",")
    assert kept == second != third
    assert len(KeyRing.of_setting(cloud.key).keys) == 2


def test_a_key_is_made_once(cloud: Cloud) -> None:
    made = cloud.run("keys.sh", "vault-1")
    assert made.returncode == 0, made.stderr
    before = (cloud.key, cloud.release_keys, cloud.log_keys, cloud.witness_keys)
    assert len(KeyRing.of_setting(cloud.key).keys) == 1
    assert len(ReleaseKeyRing.parse(cloud.release_keys).keys) == 1
    assert len(LogKeyRing.parse(cloud.log_keys).keys) == 1
    assert cloud.run("keys.sh", "vault-1").returncode == 0
    assert (cloud.key, cloud.release_keys, cloud.log_keys, cloud.witness_keys) == before


def test_the_key_of_the_witness_is_another_one_than_that_of_the_log(cloud: Cloud) -> None:
    cloud.run("keys.sh", "vault-1")
    [witness] = LogKeyRing.parse(cloud.witness_keys).keys
    [signer] = LogKeyRing.parse(cloud.log_keys).keys
    assert witness.seed != signer.seed
    cloud.run("keys.sh", "vault-1", "rotate-log-key", "90")
    assert [each.seed for each in LogKeyRing.parse(cloud.witness_keys).keys] == [witness.seed]


def test_keys_of_a_later_version_are_made_beside_those_that_are_there(cloud: Cloud) -> None:
    (cloud.folder / "key").write_text("k" * 64)
    assert cloud.run("keys.sh", "vault-1").returncode == 0
    assert cloud.key == "k" * 64
    assert len(ReleaseKeyRing.parse(cloud.release_keys).keys) == 1


def test_a_rotation_of_the_release_keys_keeps_what_verifies(cloud: Cloud) -> None:
    cloud.run("keys.sh", "vault-1")
    made = list[str]()
    for _ in range(3):
        made.insert(0, ReleaseKeyRing.parse(cloud.release_keys).keys[0].keyid)
        done = cloud.run("keys.sh", "vault-1", "rotate-release-keys")
        assert done.returncode == 0, done.stderr
    keys = ReleaseKeyRing.parse(cloud.release_keys).keys
    assert [key.keyid for key in keys[1:]] == made
    assert [key.private is not None for key in keys] == [True, True, False, False]


def test_a_rotation_of_the_log_key_lets_two_sign_until_a_date(cloud: Cloud) -> None:
    cloud.run("keys.sh", "vault-1")
    [first] = LogKeyRing.parse(cloud.log_keys).keys
    for days in ("2", "90"):
        done = cloud.run("keys.sh", "vault-1", "rotate-log-key", days)
        assert done.returncode == 0, done.stderr
    newest, second, oldest = LogKeyRing.parse(cloud.log_keys).keys
    assert oldest.seed == first.seed not in (newest.seed, second.seed)
    assert oldest.until_ms is not None
    assert second.until_ms is not None
    days = (second.until_ms - oldest.until_ms) / (timedelta(days=1) / timedelta(milliseconds=1))
    assert round(days) == 88


@pytest.mark.parametrize("how", [("rotate-release-keys",), ("rotate-log-key", "90")])
def test_a_text_that_is_no_key_is_not_rotated(cloud: Cloud, how: tuple[str, ...]) -> None:
    cloud.run("keys.sh", "vault-1")
    file = cloud.folder / ("log-keys" if "log" in how[0] else "release-keys")
    file.write_text("what somebody typed\nand more of it\n")
    refused = cloud.run("keys.sh", "vault-1", *how)
    assert refused.returncode == 1
    assert "cannot be read" in refused.stderr
    assert file.read_text().startswith("what somebody typed")


@pytest.mark.parametrize("how", [(), ("rotate",)])
@pytest.mark.parametrize("before", [0, 1])
def test_the_key_of_a_vault_that_does_not_answer_is_not_changed(
    cloud: Cloud, how: tuple[str, ...], before: int
) -> None:
    cloud.fail_with("ERROR: (Forbidden) Public network access is disabled: ForbiddenByConnection")
    assert cloud.run("keys.sh", "vault-1", PAUSE="60").returncode == 1
    assert not (cloud.folder / "key").exists()
    cloud.run("keys.sh", "vault-1")
    key = cloud.key
    cloud.fail_with(*[FORBIDDEN] * before, "ERROR: Max retries exceeded, connection refused")
    refused = cloud.run("keys.sh", "vault-1", *how)
    assert refused.returncode == 1
    assert "nothing was changed" in refused.stderr
    assert cloud.key == key


def test_a_role_that_does_not_count_yet_is_waited_for(cloud: Cloud) -> None:
    cloud.fail_with(*[FORBIDDEN] * 3)
    made = cloud.run("keys.sh", "vault-1", PAUSE="0", PATIENCE="600")
    assert made.returncode == 0, made.stderr
    assert "takes up to ten minutes to count; waiting" in made.stderr
    assert len(KeyRing.of_setting(cloud.key).keys) == 1


def test_nobody_is_waited_for_longer_than_ten_minutes(cloud: Cloud) -> None:
    cloud.fail_with(*[FORBIDDEN] * 3)
    refused = cloud.run("keys.sh", "vault-1", PATIENCE="0")
    assert refused.returncode == 1
    assert "You need the role Key Vault Secrets Officer" in refused.stderr
    assert not (cloud.folder / "key").exists()
    script = (ROOT / "infra" / "keys.sh").read_text()
    assert "patience=${PATIENCE:-600}" in script


def test_a_secret_without_a_value_is_not_rotated(cloud: Cloud) -> None:
    (cloud.folder / "key").write_text("")
    refused = cloud.run("keys.sh", "vault-1", "rotate")
    assert refused.returncode == 1
    assert "without a value" in refused.stderr
    assert cloud.key == ""


def test_a_key_is_in_no_argument_and_no_output(cloud: Cloud) -> None:
    ways = ((), ("rotate",), ("rotate-release-keys",), ("rotate-log-key", "90"))
    said = [cloud.run("keys.sh", "vault-1", *how) for how in ways]
    assert [each.returncode for each in said] == [0, 0, 0, 0]
    shown = "".join(each.stdout + each.stderr for each in said) + cloud.calls
    assert [key for key in cloud.key.split(",") if key in shown] == []
    texts = (cloud.release_keys, cloud.log_keys, cloud.witness_keys)
    lines = [line for text in texts for line in text.splitlines()]
    words = [word for line in lines for word in line.split() if len(word) > 40]
    assert len(words) == 5
    assert [word for word in words if word in shown] == []


def test_the_application_comes_back_to_a_route_of_ours(cloud: Cloud) -> None:
    made = cloud.run("entra.sh", "https://ballroom.example.org/")
    assert made.returncode == 0, made.stderr
    (back,) = re.findall(r"--web-redirect-uris (\S+)", cloud.calls)
    assert back == "https://ballroom.example.org/sign-in/callback/entra"
    assert (
        "`/sign-in/callback/{provider}`" in (ROOT / "docs" / "reference" / "routes.md").read_text()
    )


def test_the_application_trusts_the_identity_instead_of_a_secret(cloud: Cloud) -> None:
    cloud.run("entra.sh", "https://ballroom.example.org")
    trust = json.loads((cloud.folder / "trust.json").read_text())
    assert trust["subject"] == "principal-1"
    assert trust["issuer"] == "https://login.microsoftonline.com/tenant-1/v2.0"
    assert trust["audiences"] == ["api://AzureADTokenExchange"]
    assert "credential reset" not in cloud.calls


def test_the_application_of_the_environment_is_brought_up_to_date(cloud: Cloud) -> None:
    (cloud.folder / "registered").touch()
    made = cloud.run(
        "entra.sh", "https://ballroom.example.org", BALLROOM_ENTRA_CLIENT_ID="client-1"
    )
    assert made.returncode == 0, made.stderr
    assert "app show --id client-1" in cloud.calls
    assert "app create" not in cloud.calls
    assert "credential update --id client-1" in cloud.calls
    assert "azd env set BALLROOM_ENTRA_CLIENT_ID client-1" in cloud.calls


def test_a_new_application_has_the_name_of_the_environment(cloud: Cloud) -> None:
    cloud.run("entra.sh", "https://ballroom.example.org")
    assert "--display-name Ballroom production " in cloud.calls


@pytest.mark.parametrize("trusted", ["principal-2", ""])
def test_the_application_of_another_installation_is_never_changed(
    cloud: Cloud, trusted: str
) -> None:
    (cloud.folder / "named").write_text(f"{trusted}\n")
    refused = cloud.run("entra.sh", "https://ballroom.example.org")
    assert refused.returncode == 1
    assert "Ballroom production, client-2, that does not trust this registry" in refused.stderr
    assert not re.search(r" create | update | set ", cloud.calls)


def test_the_application_of_an_interrupted_run_is_found_again(cloud: Cloud) -> None:
    (cloud.folder / "named").write_text("principal-1\n")
    made = cloud.run("entra.sh", "https://ballroom.example.org")
    assert made.returncode == 0, made.stderr
    assert "app create" not in cloud.calls
    assert "azd env set BALLROOM_ENTRA_CLIENT_ID client-2" in cloud.calls


def test_an_application_that_is_gone_is_not_made_a_second_time(cloud: Cloud) -> None:
    refused = cloud.run(
        "entra.sh", "https://ballroom.example.org", BALLROOM_ENTRA_CLIENT_ID="client-1"
    )
    assert refused.returncode == 1
    assert "azd env set BALLROOM_ENTRA_CLIENT_ID ''" in refused.stderr
    assert "app create" not in cloud.calls


def test_a_key_that_was_deleted_is_recovered_and_not_replaced(cloud: Cloud) -> None:
    (cloud.folder / "deleted").touch()
    refused = cloud.run("keys.sh", "vault-1")
    assert refused.returncode == 1
    recover = "az keyvault secret recover --vault-name vault-1 --name link-key"
    assert recover in refused.stderr
    assert not (cloud.folder / "key").exists()


def test_who_cannot_ask_for_the_addresses_of_the_edge_keeps_those_of_the_last_time(
    cloud: Cloud,
) -> None:
    asked = cloud.run("edge-addresses.sh", "northeurope", BALLROOM_EDGE_ADDRESSES="192.0.2.0/24")
    assert asked.returncode == 0
    assert "azd env set BALLROOM_EDGE_ADDRESSES 192.0.2.0/24" in cloud.calls


USER_READ_ALL = "df021288-bdef-4463-88db-98f22de89214"
GROUP_MEMBER_READ_ALL = "98830695-27a2-44f7-8c18-0c3ebc9698f6"


@pytest.mark.parametrize("consents", [True, False])
def test_the_application_reads_groups_only_if_it_is_told_to(cloud: Cloud, consents: bool) -> None:
    cloud.run("entra.sh", "https://ballroom.example.org")
    assert "groupMembershipClaims" not in cloud.calls
    (graph,) = json.loads((cloud.folder / "graph.json").read_text())
    assert [each["id"] for each in graph["resourceAccess"]] == [USER_READ_ALL]
    if not consents:
        (cloud.folder / "developer").touch()
    made = cloud.run("entra.sh", "--groups", "https://ballroom.example.org")
    assert made.returncode == 0, made.stderr
    assert "--set groupMembershipClaims=SecurityGroup" in cloud.calls
    (graph,) = json.loads((cloud.folder / "graph.json").read_text())
    assert {each["type"] for each in graph["resourceAccess"]} == {"Role"}
    assert [each["id"] for each in graph["resourceAccess"]] == [
        USER_READ_ALL,
        GROUP_MEMBER_READ_ALL,
    ]
    assert ("Ask an administrator" in made.stderr) is not consents
    assert "azd env set BALLROOM_ENTRA_CLIENT_ID client-1" in cloud.calls


@pytest.mark.parametrize(
    ("script", "arguments", "words"),
    [
        ("entra.sh", ("http://ballroom.example.org",), "does not begin with https://"),
        ("edge-addresses.sh", ("nowhere",), "Set BALLROOM_EDGE_ADDRESSES by hand"),
        ("keys.sh", (), "Give the name of the vault"),
        ("keys.sh", ("vault-1", "--rotate"), "does not know --rotate"),
        ("keys.sh", ("vault-1", "rotate-log-key"), "for how many days"),
        ("keys.sh", ("vault-1", "rotate-log-key", "soon"), "for how many days"),
        ("keys.sh", ("vault-1", "rotate-log-key", "090"), "for how many days"),
        ("keys.sh", ("vault-1", "rotate-log-key", "010"), "for how many days"),
        ("keys.sh", ("vault-1", "rotate-release-keys"), "no release-keys yet"),
    ],
)
def test_what_a_script_cannot_do_it_refuses_and_changes_nothing(
    cloud: Cloud, script: str, arguments: tuple[str, ...], words: str
) -> None:
    refused = cloud.run(script, *arguments)
    assert refused.returncode == 1
    assert words in refused.stderr
    calls = cloud.folder / "calls"
    assert not calls.exists() or not re.search(r" set | create ", calls.read_text())


def test_the_addresses_of_the_edge_are_stored_as_the_setting_reads_them(cloud: Cloud) -> None:
    (cloud.folder / "addresses").write_text("192.0.2.0/24,2001:db8::/32\n")
    asked = cloud.run("edge-addresses.sh", "northeurope")
    assert asked.returncode == 0, asked.stderr
    (kept,) = re.findall(r"azd env set BALLROOM_EDGE_ADDRESSES (\S+)", cloud.calls)
    assert len(parse_networks(kept)) == 2


GIVEN = {
    "AZURE_ENV_NAME": "ballroom",
    "AZURE_LOCATION": "northeurope",
    "BALLROOM_ADDRESSES": "203.0.113.0/24",
    "BALLROOM_PREFLIGHT": "--first",
}


@pytest.mark.parametrize("size", ["dev", "team"])
def test_the_addresses_of_front_door_are_asked_for_where_there_is_one(
    cloud: Cloud, size: str
) -> None:
    (cloud.folder / "addresses").write_text("192.0.2.0/24\n")
    done = cloud.run_hook("preprovision", **GIVEN, BALLROOM_SIZE=size)
    assert done.returncode == 0, done.stderr
    asked = (cloud.folder / "calls").is_file() and "list-service-tags" in cloud.calls
    assert asked == (size == "team")


@pytest.mark.parametrize(
    ("environment", "is_ready"),
    [({}, "true"), ({"BALLROOM_ENDPOINT": "http://127.0.0.1:1"}, "false")],
)
def test_whether_archives_go_to_their_app_is_stored_before_a_deployment(
    cloud: Cloud, environment: dict[str, str], is_ready: str
) -> None:
    (cloud.folder / "addresses").write_text("192.0.2.0/24\n")
    done = cloud.run_hook("preprovision", **GIVEN, BALLROOM_SIZE="team", **environment)
    assert done.returncode == 0, done.stderr
    assert f"azd env set BALLROOM_UPLOADS_READY {is_ready}\n" in cloud.calls


def test_the_hook_asks_the_vault_that_it_reaches(cloud: Cloud) -> None:
    done = cloud.run_hook("postprovision", BALLROOM_VAULT="vault-1", BALLROOM_ISOLATED="true")
    assert done.returncode == 0
    assert "infra/keys.sh vault-1" in done.stdout
    assert not (cloud.folder / "calls").exists()
    done = cloud.run_hook("postprovision", BALLROOM_VAULT="vault-1", BALLROOM_ISOLATED="false")
    assert done.returncode == 0, done.stderr
    assert len(KeyRing.of_setting(cloud.key).keys) == 1


def test_nothing_is_asked_of_azure_once_a_parameter_is_refused(cloud: Cloud) -> None:
    refused = cloud.run_hook("preprovision", **GIVEN, BALLROOM_SIZE="huge")
    assert refused.returncode == 1
    assert not (cloud.folder / "calls").exists()


def test_environment_variables_of_the_scripts_are_outputs_of_the_templates() -> None:
    asked = re.findall(r"azd env get-value (\w+)", PAGE + SCRIPTS)
    asked += re.findall(r'"\$(BALLROOM_\w+)"', HOOKS)
    assert asked
    assert set(asked) <= set(template(MAIN).outputs)


def test_a_copy_elsewhere_has_every_container_and_archives_after_what_names_them(
    cloud: Cloud,
) -> None:
    copied = cloud.run("copy.sh", "stbr1", "elsewhere")
    assert copied.returncode == 0, copied.stderr
    calls = re.findall(
        r"^azcopy sync https://stbr1\.blob\.\S+/(\w+) https://elsewhere\.blob\.\S+/(\w+)$",
        cloud.calls,
        re.MULTILINE,
    )
    order = [source for source, target in calls if source == target]
    # `uploads` live for a day, and no record names them.
    assert set(order) == set(BLOB_CONTAINERS) - {"uploads"}
    assert order.index("backups") < order.index("archives")
    # An archive that becomes public moves from `private` to `archives`.
    assert (
        order.index("archives")
        < order.index("private")
        < len(order) - 1 - order[::-1].index("archives")
    )


def test_a_copy_needs_two_accounts(cloud: Cloud) -> None:
    refused = cloud.run("copy.sh", "stbr1")
    assert refused.returncode == 1
    assert "Give two storage accounts" in refused.stderr


def test_the_locks_of_a_group_are_taken_off(cloud: Cloud) -> None:
    (cloud.folder / "locks").write_text("/locks/one\n/locks/two\n")
    assert cloud.run("unlock.sh", "rg-1").returncode == 0
    assert "lock list --resource-group rg-1 --query [?name=='ballroom'].id" in cloud.calls
    assert re.findall(r"^az lock delete --ids (.+)$", cloud.calls, re.MULTILINE) == [
        "/locks/one",
        "/locks/two",
    ]
    for name in ("storage", "cosmos", "vault"):
        _, _, lock = module(name).text.partition("Microsoft.Authorization/locks")
        assert "name: 'ballroom'" in lock.partition("\n}\n")[0]


def test_a_group_without_locks_and_no_group_at_all(cloud: Cloud) -> None:
    assert cloud.run("unlock.sh", "rg-1").returncode == 0
    assert "lock delete" not in cloud.calls
    assert "Give a resource group" in cloud.run("unlock.sh").stderr


# What the lock keeps from being deleted, by the commands of the pages.
DELETES_BELOW = r"az role assignment delete|az cosmosdb sql role assignment delete|\bazd down\b"


@pytest.mark.parametrize("page", ["run/azure/deployment", "run/azure/operations"])
def test_a_page_takes_the_locks_off_before_it_deletes(page: str) -> None:
    _, *sections = re.split(r"^## ", docs(page), flags=re.MULTILINE)
    deleting = [each for each in sections if re.search(DELETES_BELOW, each)]
    assert deleting
    for section in deleting:
        assert "infra/unlock.sh" in section, section[:60]
