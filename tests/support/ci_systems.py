"""Doubles of CI systems: each reads the files of a repository as its system does, and runs the
shell steps of its jobs as they are.

A repository has a workspace of two packages. What a job keeps as an artifact, the jobs after it
get, also those of a second run that repeats only the jobs that failed.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SECONDS = 60.0
# Lines by which a job tells its CI system a secret; the log does not show them.
_MASKS = re.compile(r"^(?:::add-mask::|##vso\[task\.setsecret\]).*\n", re.MULTILINE)
STRICT = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
PLAIN = ("bash", "-c")


@dataclass(frozen=True)
class Step:
    """A step of a job: commands, or what the CI system does itself."""

    commands: str = ""
    does: str = ""  # checkout, keep or fetch.
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: str = "."
    interpreter: Sequence[str] = STRICT


@dataclass(frozen=True)
class Job:
    """A job of a pipeline; `id_token` is how it gets an id token, if it asks for one."""

    name: str
    steps: Sequence[Step]
    variables: Mapping[str, str] = field(default_factory=dict)
    id_token: str = ""


@dataclass(frozen=True)
class Trigger:
    """What starts a pipeline."""

    event: str = "push"
    is_fork: bool = False


TAG = Trigger()
PULL_REQUEST = Trigger("pull_request")
PULL_REQUEST_OF_FORK = Trigger("pull_request", is_fork=True)

# The conditions of the pipelines, as their systems evaluate them.
_CONDITIONS: Mapping[str, Callable[[Trigger], bool]] = {
    "": lambda _: True,
    "github.event_name == 'push'": lambda each: each.event == "push",
    "github.event_name == 'pull_request'": lambda each: each.event == "pull_request",
    "github.event.pull_request.head.repo.id == github.event.repository.id": (
        lambda each: not each.is_fork
    ),
    "github.event.pull_request.head.repo.id != github.event.repository.id": (
        lambda each: each.is_fork
    ),
    "$CI_COMMIT_TAG =~ /^v/": lambda each: each.event == "push",
    '$CI_PIPELINE_SOURCE == "merge_request_event"': lambda each: each.event == "pull_request",
    "build.tag =~ /^v/": lambda each: each.event == "push",
}


def actions(repository: Path, file: str, trigger: Trigger) -> Iterator[Job]:
    """Read a workflow of GitHub, Forgejo or Gitea."""
    workflow = _read_yaml(repository / file)
    assert trigger.event in workflow["on"]
    for name, job in workflow["jobs"].items():
        if not _CONDITIONS[job.get("if", "")](trigger):
            continue
        permissions = job.get("permissions") or workflow.get("permissions") or {}
        is_asking = permissions.get("id-token") == "write" or "enable-openid-connect" in job
        steps = [
            step
            for each in job["steps"]
            if _CONDITIONS[each.get("if", "")](trigger)
            for step in _action_steps(repository, each)
        ]
        yield Job(name, steps, workflow["env"], "request" if is_asking else "")


# What the actions of others do, of which the pipelines name versions.
_ACTIONS = {
    "checkout": "checkout",
    "setup-ballerina": "",
    "upload-artifact": "keep",
    "download-artifact": "fetch",
}


def _action_steps(repository: Path, step: Mapping[str, Any]) -> Iterator[Step]:
    uses = step.get("uses", "")
    if not uses:
        yield Step(step["run"], variables=_secrets(step.get("env", {})))
    elif not uses.startswith("./"):
        yield Step(does=_ACTIONS[uses.partition("@")[0].rpartition("/")[2]])
    else:
        action = _read_yaml(repository / uses / "action.yml")
        given = {name: each["default"] for name, each in action["inputs"].items()}
        given |= step.get("with", {})
        for each in action["runs"]["steps"]:
            assert each["shell"] == "bash"
            variables = {
                name: _filled(value, "inputs", given) for name, value in each["env"].items()
            }
            yield Step(each["run"], variables=variables)


def _secrets(variables: Mapping[str, str]) -> Mapping[str, str]:
    """Return variables; those that are secrets get their values from the machine."""
    return {name: value for name, value in variables.items() if "secrets." not in value}


def gitlab(repository: Path, file: str, trigger: Trigger) -> Iterator[Job]:
    """Read a pipeline of GitLab, with the components of the project that it includes."""
    pipeline = _read_yaml(repository / file)
    included = [each["component"] for each in pipeline.pop("include", ())]
    for component in included:
        name = component.removeprefix("$CI_SERVER_FQDN/$CI_PROJECT_PATH/").partition("@")[0]
        text = (repository / "templates" / f"{name}.yml").read_text("utf-8")
        head, body = text.split("\n---\n")
        inputs = _parse_yaml(head)["spec"]["inputs"]
        for key, each in inputs.items():
            body = body.replace(f"$[[ inputs.{key} ]]", each["default"])
        pipeline |= _parse_yaml(body)
    stages = ["build", "test", "deploy"]
    kept = False
    for name, job in sorted(pipeline.items(), key=lambda each: stages.index(each[1]["stage"])):
        if not any(_CONDITIONS[rule["if"]](trigger) for rule in job["rules"]):
            continue
        variables = dict(job["variables"])
        before = [] if variables.get("GIT_STRATEGY") == "none" else [Step(does="checkout")]
        before += [Step(does="fetch")] if kept else []
        after = [Step(does="keep")] if "artifacts" in job else []
        kept = kept or bool(after)
        if trigger.event == "pull_request":
            variables["CI_MERGE_REQUEST_PROJECT_ID"] = "20"
            variables["CI_MERGE_REQUEST_SOURCE_PROJECT_ID"] = "21" if trigger.is_fork else "20"
        for variable, token in job.get("id_tokens", {}).items():
            variables[variable] = f"id token for {token['aud']}"
        is_asking = "id_tokens" in job
        script = Step("\n".join(job["script"]))
        yield Job(name, [*before, script, *after], variables, "variable" if is_asking else "")


def azure_devops(repository: Path, file: str, trigger: Trigger) -> Iterator[Job]:
    """Read a pipeline of Azure DevOps, with its templates."""
    assert trigger.event == "push"
    pipeline = _read_yaml(repository / file)
    for job in pipeline["jobs"]:
        steps = [step for each in job["steps"] for step in _azure_steps(repository, each)]
        is_asking = any("SYSTEM_ACCESSTOKEN" in each.variables for each in steps)
        yield Job(job["job"], steps, pipeline["variables"], "request" if is_asking else "")


def _azure_steps(repository: Path, step: Mapping[str, Any]) -> Iterator[Step]:
    if "template" in step:
        template = _read_yaml(repository / step["template"])
        given = {each["name"]: each["default"] for each in template["parameters"]}
        for each in template["steps"]:
            variables = each.get("env", {})
            filled = {name: _filled(v, "parameters", given) for name, v in variables.items()}
            yield from _azure_steps(repository, {**each, "env": filled})
    elif "bash" in step:
        folder = {"": "s", "$(Pipeline.Workspace)": "."}[step.get("workingDirectory", "")]
        variables = dict(step.get("env", {}))
        if "SYSTEM_ACCESSTOKEN" in variables:
            assert variables["SYSTEM_ACCESSTOKEN"] == "$(System.AccessToken)"
            variables["SYSTEM_ACCESSTOKEN"] = "request-token"
        yield Step(step["bash"], "", variables, folder, PLAIN)
    elif "checkout" in step:
        yield Step(does="checkout" if step["checkout"] == "self" else "", folder="s")
    elif "publish" in step:
        yield Step(does="keep", folder="s")
    else:
        assert step == {"download": "current", "artifact": "dist"}
        yield Step(does="fetch")


def buildkite(repository: Path, file: str, trigger: Trigger) -> Iterator[Job]:
    """Read a pipeline of Buildkite, which replaces variables and takes `$$` for a dollar."""
    pipeline = _read_yaml(repository / file)
    for step in pipeline["steps"]:
        assert _CONDITIONS[step["if"]](trigger)
        commands = step["command"]
        assert "$" not in commands.replace("$$", "")
        steps = [
            Step(does="checkout"),
            Step(commands.replace("$$", "$"), interpreter=("bash", "-ec")),
        ]
        steps += [Step(does="keep")] if "artifact_paths" in step else []
        yield Job(step["key"], steps, pipeline["env"], "program")


def circleci(repository: Path, file: str, _: Trigger) -> Iterator[Job]:
    """Read a pipeline of CircleCI."""
    pipeline = _read_yaml(repository / file)
    assert "<<" not in (repository / file).read_text("utf-8")  # Would be a parameter.
    does = {"persist_to_workspace": "keep", "attach_workspace": "fetch"}
    for [(name, _)] in (each.items() for each in pipeline["workflows"]["release"]["jobs"]):
        job = pipeline["jobs"][name]
        steps = [
            Step(does="checkout")
            if each == "checkout"
            else Step(each["run"]["command"])
            if "run" in each
            else Step(does=does[next(iter(each))])
            for each in job["steps"]
        ]
        yield Job(name, steps, job["environment"], "program")


def bitbucket(repository: Path, file: str, _: Trigger) -> Iterator[Job]:
    """Read a pipeline of Bitbucket."""
    pipeline = _read_yaml(repository / file)
    for each in pipeline["pipelines"]["tags"]["v*"]:
        step = each["step"]
        fetched = [Step(does="fetch")]
        kept = [Step(does="keep")] if "artifacts" in step else []
        script = Step("\n".join(step["script"]), interpreter=("bash", "-ec"))
        steps = [Step(does="checkout"), *([] if kept else fetched), script, *kept]
        is_asking = step.get("oidc", {}).get("audiences")
        yield Job(step["name"], steps, {}, "variable" if is_asking else "")


def cloud_build(repository: Path, file: str, _: Trigger) -> Iterator[Job]:
    """Read a build of Google Cloud Build, whose steps share their folder."""
    build = _read_yaml(repository / file)
    variables = dict(each.split("=", 1) for each in build["options"]["env"])
    steps = [Step(does="checkout")]
    for each in build["steps"]:
        assert (each["entrypoint"], each["args"][0]) == ("bash", "-c")
        assert "$" not in each["args"][1].replace("$$", "")
        steps.append(Step(each["args"][1].replace("$$", "$"), interpreter=PLAIN))
    yield Job("build", steps, variables, "program")


_JENKINS = re.compile(
    r"(?P<checkout>checkout\(\[)|(?P<keep>\bstash name:)|(?P<fetch>\bunstash )"
    r"|string\(credentialsId: 'ballroom', variable: '(?P<variable>\w+)'\)"
    r"|sh '''(?P<commands>.*?)'''",
    re.DOTALL,
)


def jenkins(repository: Path, file: str, _: Trigger) -> Iterator[Job]:
    """Read a Jenkinsfile, of which each stage is a job that can be started again."""
    text = (repository / file).read_text("utf-8")
    assert "preserveStashes()" in text
    variables = dict(re.findall(r"^    ([A-Z]+) = '(.*)'$", text, re.MULTILINE))
    for stage in text.split("stage('")[1:]:
        steps: list[Step] = []
        asked: dict[str, str] = {}
        for found in _JENKINS.finditer(stage):
            if commands := found["commands"]:
                assert commands.startswith("#!/bin/bash\n")
                steps.append(Step(commands.replace("\\\\", "\\"), interpreter=PLAIN))
            elif found["variable"]:
                asked[found["variable"]] = "id token"
            else:
                steps.append(Step(does=str(found.lastgroup)))
        name = stage.partition("'")[0]
        yield Job(name, steps, {**variables, **asked}, "variable" if asked else "")


def kubernetes(repository: Path, file: str, _: Trigger) -> Iterator[Job]:
    """Read a job of Kubernetes, whose first container clones the repository."""
    spec = _read_yaml(repository / file)["spec"]["template"]["spec"]
    [container] = spec["containers"]
    assert container["command"] == ["bash", "-c"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    steps = [Step(does="checkout"), Step(container["args"][0], interpreter=PLAIN)]
    yield Job("publish", steps, variables, "file")


def machine(repository: Path, file: str, _: Trigger) -> Iterator[Job]:
    """Read commands that run on any machine."""
    commands = (repository / file).read_text("utf-8")
    assert commands.startswith("#!/usr/bin/env bash\n")
    yield Job("publish", [Step(does="checkout"), Step(commands, interpreter=PLAIN)], {}, "program")


Reader = Callable[[Path, str, Trigger], Iterator[Job]]


@dataclass
class CiRun:
    """The runs of a pipeline of a repository."""

    folder: Path
    environment: Mapping[str, str]  # Of every machine.
    give_id_token: Callable[[Job], Mapping[str, str]]
    log: str = ""
    _succeeded: set[str] = field(default_factory=set)

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    def start(self, jobs: Sequence[Job]) -> bool:
        """Run the jobs that have not succeeded; say whether all have. The log is of this run."""
        self.log = ""
        for job in jobs:
            if job.name not in self._succeeded:
                if not self._run(job):
                    return False
                self._succeeded.add(job.name)
        return True

    def _run(self, job: Job) -> bool:
        workspace = self.folder / "workspace"
        shutil.rmtree(workspace, ignore_errors=True)
        workspace.mkdir()
        given = self.give_id_token(job) if job.id_token else {}
        environment = {**self.environment, **job.variables, **given}
        return all(self._run_step(each, workspace, environment) for each in job.steps)

    def _run_step(self, step: Step, workspace: Path, environment: Mapping[str, str]) -> bool:
        folder = workspace / step.folder
        folder.mkdir(exist_ok=True)
        if step.does == "checkout":
            shutil.copytree(self.repository, folder, dirs_exist_ok=True)
        elif step.does == "keep":
            shutil.copytree(folder / "dist", self.artifacts / "dist", dirs_exist_ok=True)
        elif step.does == "fetch":
            shutil.copytree(self.artifacts / "dist", folder / "dist")
        if not step.commands:
            return True
        done = subprocess.run(
            [*step.interpreter, step.commands],
            env={**environment, **step.variables},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self.log += _MASKS.sub("", done.stdout)
        return done.returncode == 0


def make_machine(folder: Path, programs: Mapping[str, str]) -> Mapping[str, str]:
    """Make the programs, the home and the folders of a machine; return its environment."""
    for name in ("bin", "home", "temporary", "artifacts"):
        (folder / name).mkdir()
    for name, text in programs.items():
        program = folder / "bin" / name
        program.write_text(text)
        program.chmod(0o755)
    (folder / "bin" / "python3").symlink_to(Path(sys.executable).resolve())
    return {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "temporary"),
        "ARTIFACTS": str(folder / "artifacts"),
    }


def _filled(value: str, kind: str, given: Mapping[str, str]) -> str:
    return re.sub(rf"\$\{{\{{ {kind}\.(\w+) \}}\}}", lambda found: given[found[1]], value)


def _read_yaml(path: Path) -> dict[str, Any]:
    return _parse_yaml(path.read_text("utf-8"))


def _parse_yaml(text: str) -> dict[str, Any]:
    """Return texts alone, also of the key `on`."""
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes texts alone.
