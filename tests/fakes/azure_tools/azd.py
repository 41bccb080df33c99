"""The commands of `azd` that the documents and scripts give, by its sources (1.25 to 1.31).

An environment is in the folder of the project (`.azure`), so another folder is another machine.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from infra.preflight import declarations
from tests.az.grammar import AZD, Call, Grammar
from tests.fakes.azure_tools import deployments
from tests.fakes.azure_tools.state import (
    APP,
    SUBSCRIPTION,
    Azure,
    RefusedError,
    load,
    outputs_as_values,
    refused,
    save,
)

ASKING_AZURE = ("provision", "deploy", "up", "down", "env refresh")
TRUE = ("1", "true", "TRUE", "True", "yes", "YES", "Yes")
PLACEHOLDER = re.compile(r"\$\{(\w+)(?:=([^}]*))?\}")
PRINCIPAL = "AZURE_PRINCIPAL_ID"  # azd always has the caller here, whatever the environment says.


@dataclass
class Azd:
    """One project on one machine, and its Azure, which is in a file."""

    project: Path
    file: Path

    def run(self, words: list[str]) -> str:
        """Run a command; return what it prints."""
        call = Grammar.of(AZD).read(["azd", *words])
        azure = load(self.file)
        self._require_version(azure)
        if call.name == "auth login":
            azure.signed_in["azd"] = True
            save(self.file, azure)
            return ""
        if call.name in ASKING_AZURE and not azure.signed_in.get("azd"):
            raise refused("azd", "not logged in, run `azd auth login` to login")
        method = getattr(self, f"_{call.name.replace(' ', '_').replace('-', '_')}", None)
        if method is None:
            raise refused("azd", f"This double does not know azd {call.name}: add it here.")
        return method(call) or ""

    def _require_version(self, azure: Azure) -> None:
        wanted = self._azure_yaml().get("requiredVersions", {}).get("azd", "")
        if found := re.fullmatch(r">=\s*(\d+)\.(\d+)\.(\d+)", wanted):
            least = tuple(int(each) for each in found.groups())
            if tuple(int(each) for each in azure.azd_version.split(".")) < least:
                raise refused("azd", f"this project requires a version of azd within '{wanted}'")

    def _azure_yaml(self) -> dict[str, Any]:
        text = (self.project / "azure.yaml").read_text("utf-8")
        return cast("dict[str, Any]", yaml.safe_load(text))

    # The environment

    def _folder(self) -> Path:
        chosen = self.project / ".azure" / "config.json"
        if not chosen.is_file():
            raise refused("azd", "environment does not exist. Run 'azd env new'.")
        return chosen.parent / json.loads(chosen.read_text("utf-8"))["defaultEnvironment"]

    def values(self) -> dict[str, str]:
        """Return what the chosen environment has."""
        return json.loads((self._folder() / "env.json").read_text("utf-8"))

    def _keep(self, values: Mapping[str, str]) -> None:
        (self._folder() / "env.json").write_text(json.dumps(values, indent=1), "utf-8")

    def _env_new(self, call: Call) -> None:
        [name] = call.words
        folder = self.project / ".azure" / name
        folder.mkdir(parents=True)
        chosen = {"version": 1, "defaultEnvironment": name}
        (folder.parent / "config.json").write_text(json.dumps(chosen), "utf-8")
        given = {"AZURE_LOCATION": "--location", "AZURE_SUBSCRIPTION_ID": "--subscription"}
        options = {
            each: call.options[option][0]
            for each, option in given.items()
            if option in call.options
        }
        self._keep({"AZURE_ENV_NAME": name, **options})

    def _env_set(self, call: Call) -> None:
        if "--file" in call.options:
            lines = Path(call.options["--file"][0]).read_text("utf-8").splitlines()
            pairs = [line.partition("=")[::2] for line in lines if line]
            self._keep(self.values() | {name: _unquoted(value) for name, value in pairs})
            return
        if len(call.words) == 2 and "=" not in call.words[0]:
            self._keep(self.values() | {call.words[0]: call.words[1]})
            return
        if not call.words or any("=" not in each for each in call.words):
            raise refused("azd", "Provide values as 'azd env set <key> <value>'")
        self._keep(self.values() | dict(each.split("=", 1) for each in call.words))

    def _env_get_value(self, call: Call) -> str:
        values = self.values()
        if call.words[0] not in values:
            raise refused("azd", f"key '{call.words[0]}' not found in the environment values")
        return f"{values[call.words[0]]}\n"

    def _env_get_values(self, call: Call) -> str:
        return "".join(f"{name}={_quoted(each)}\n" for name, each in sorted(self.values().items()))

    def _env_refresh(self, call: Call) -> None:
        last = self._last(load(self.file))
        if last:
            self._keep(self.values() | outputs_as_values(last["outputs"]))

    def _config_set(self, call: Call) -> None:
        """The settings of a person say where environments are kept; the double has one place."""

    # Infrastructure

    def _up(self, call: Call) -> None:
        for step in self._azure_yaml()["workflows"]["up"]:
            self.run(step["azd"].split())

    def _provision(self, call: Call) -> None:
        self._require_place(load(self.file))
        if "--preview" in call.options:
            deployments.Told.of(self.project / "infra", self._parameters(load(self.file)))
            return
        self._run_hook("preprovision")
        azure = load(self.file)
        values = self.values()
        given = self._parameters(azure)
        told = deployments.Told.of(self.project / "infra", given)
        last = self._last(azure)
        is_same = bool(last) and (last["state"], last["hash"]) == ("Succeeded", told.hash)
        if is_same and "--no-state" not in call.options:
            outputs = last["outputs"]
            sys.stdout.write("There are no changes to provision for your application.\n")
        else:
            outputs = self._deploy_template(azure, values, given, told)
        self._keep(self.values() | outputs_as_values(outputs))
        self._run_hook("postprovision")

    def _require_place(self, azure: Azure) -> None:
        values = self.values()
        for name in ("AZURE_SUBSCRIPTION_ID", "AZURE_LOCATION", "AZURE_RESOURCE_GROUP"):
            if not values.get(name):
                raise refused("azd", f"azd would ask for {name}, and nobody answers.")
        if values["AZURE_SUBSCRIPTION_ID"] != SUBSCRIPTION:
            raise refused("azd", "there is no such subscription.")
        azure.require_group(values["AZURE_RESOURCE_GROUP"])

    def _deploy_template(
        self,
        azure: Azure,
        values: Mapping[str, str],
        given: Mapping[str, Any],
        told: deployments.Told,
    ) -> dict[str, Any]:
        group = values["AZURE_RESOURCE_GROUP"]
        name = values["AZURE_ENV_NAME"]
        about = {"environment": name, "hash": told.hash}
        try:
            outputs = deployments.deploy(azure, self.project / "infra", group, given)
        except RefusedError:
            # What was made before the failure stays.
            azure.record(name, group, told.values, {}, state="Failed", **about)
            save(self.file, azure)
            raise
        azure.record(name, group, told.values, outputs, state="Succeeded", **about)
        save(self.file, azure)
        return outputs

    def _parameters(self, azure: Azure) -> dict[str, Any]:
        """Fill in the file of parameters: what no variable sets is left out."""
        text = (self.project / "infra" / "main.parameters.json").read_text("utf-8")
        declared = declarations((self.project / "infra" / "main.bicep").read_text("utf-8"))
        values = {
            **os.environ,
            **self.values(),
            PRINCIPAL: azure.me,
            "AZURE_PRINCIPAL_TYPE": "User",
        }
        given: dict[str, Any] = {}
        for name, about in json.loads(text)["parameters"].items():
            value = about["value"]
            if not isinstance(value, str):
                given[name] = value
                continue
            filled = PLACEHOLDER.sub(lambda found: values.get(found[1]) or found[2] or "", value)
            kind = declared[name].kind if name in declared else "string"
            if filled == "" and any(each not in values for each, _ in PLACEHOLDER.findall(value)):
                continue
            given[name] = _converted(filled, kind)
        return {name: value for name, value in given.items() if value is not None}

    def _last(self, azure: Azure) -> dict[str, Any]:
        values = self.values()
        found = [
            each
            for each in azure.deployments
            if each["group"] == values.get("AZURE_RESOURCE_GROUP")
            and each.get("environment") == values["AZURE_ENV_NAME"]
        ]
        return found[-1] if found else {}

    def _down(self, call: Call) -> None:
        azure = load(self.file)
        last = self._last(azure)
        if not last:
            raise refused("azd", "no deployments found for environment")
        # The group is not azd's own, so it asks before all of it goes.
        if "--force" not in call.options and sys.stdin.readline().strip().lower() != "y":
            raise refused("azd", "user denied delete confirmation")
        azure.delete_group(self.values()["AZURE_RESOURCE_GROUP"])
        if "--purge" in call.options:
            raise refused("Forbidden", "The vault has purge protection.")
        save(self.file, azure)
        # Everything that an output was named as leaves the environment.
        self._keep(
            {name: each for name, each in self.values().items() if name not in last["outputs"]}
        )

    # Packages

    def _deploy(self, call: Call) -> None:
        values = self.values()
        services: dict[str, Any] = self._azure_yaml()["services"]
        chosen = call.words or [each for each in services if _is_enabled(services[each], values)]
        self._run_hook("predeploy")
        azure = load(self.file)
        for name in chosen:
            apps = [
                each
                for each in azure.of_group(values["AZURE_RESOURCE_GROUP"], APP)
                if (each["tags"]["azd-env-name"], each["tags"]["azd-service-name"])
                == (values["AZURE_ENV_NAME"], name)
            ]
            if len(apps) != 1:
                raise refused("azd", f"{len(apps)} resources have the tag of {name}")
            azure.packages[apps[0]["name"]] = azure.packages.get(apps[0]["name"], 0) + 1
        save(self.file, azure)
        self._run_hook("postdeploy")

    def _run_hook(self, name: str) -> None:
        hook = self._azure_yaml().get("hooks", {}).get(name)
        if hook is None:
            return
        done = subprocess.run(
            ["/bin/sh", "-c", hook["posix"]["run"]],
            cwd=self.project,
            env={**os.environ, **self.values()},
            check=False,
        )
        if done.returncode:
            raise refused("azd", f"'{name}' hook failed with exit code {done.returncode}")


def _is_enabled(service: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    condition = str(service.get("condition", "true"))
    return PLACEHOLDER.sub(lambda found: values.get(found[1], ""), condition) in TRUE


def _converted(text: str, kind: str) -> Any:
    """Return a text as azd passes it for a type; None where it leaves it to the default."""
    if kind == "bool":
        return {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}.get(
            text.lower()
        )
    if kind in ("object", "array"):
        return json.loads(text)
    if kind == "int":
        return int(text) if re.fullmatch(r"-?\d+", text) else None
    return text


def _quoted(value: str) -> str:
    return '"' + re.sub(r'(["\\$`!])', r"\\\1", value) + '"'


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value.removeprefix('"').removesuffix('"'))
