"""Pipelines of CI systems that publish packages, with the address of this registry, the
organization of the author, and the digests of the files that the registry serves to run.

A pipeline is a file of `functions/templates/pipelines`. In it a line `[[build]]` stands for the
commands that pack, and `[[publish NAME]]` for those that publish from the CI system of that name,
in the form of the pipeline; `[[step OPTIONS]]` and `[[shell NAME]]` have one form. The commands are
put together from the files in `parts`, of which `parts/PART/NAME.sh` is for one CI system.
"""

import re
from functools import cache

from msgspec import Struct

from functions.html.page_templates import TEMPLATES
from functions.http.scripts import EXAMPLE_URL, script_digests
from shared.domain.trusted_publishing.presets import Pipeline

FOLDER = TEMPLATES / "pipelines"
EXAMPLE_ORG = "acme"
COMMANDS_PLACEHOLDER = re.compile(
    r"^( *)\[\[(build|publish|shell|step)(?: ([^\]\n]+))?\]\]\n", re.MULTILINE
)
PART_PLACEHOLDER = re.compile(r"^( *)\[\[([\w-]+)\]\]\n", re.MULTILINE)  # Within commands.


class RenderedPipeline(Struct, frozen=True):
    """A file of a pipeline, ready to be saved in a repository."""

    pipeline: Pipeline
    text: str

    @property
    def title(self) -> str:
        return self.pipeline.title

    @property
    def saved_as(self) -> str:
        return self.pipeline.saved_as


def render_pipeline(pipeline: Pipeline, url: str, org: str) -> RenderedPipeline:
    """Return the pipeline with which jobs publish packages of `org` to the registry at `url`."""
    text = pipeline_text(pipeline).replace(f'"org":"{EXAMPLE_ORG}"', f'"org":"{org}"')
    text = text.replace(f"--organization {EXAMPLE_ORG}", f"--organization {org}")
    for word, digest in script_digests(url).items():
        text = text.replace(word, digest)
    return RenderedPipeline(pipeline, text.replace(EXAMPLE_URL, url))


@cache
def pipeline_text(pipeline: Pipeline) -> str:
    """Return the pipeline of the example registry."""
    text = (FOLDER / pipeline.template).read_text("utf-8")
    return COMMANDS_PLACEHOLDER.sub(lambda found: _indented(found, pipeline), text)


def _indented(found: re.Match[str], pipeline: Pipeline) -> str:
    margin = found[1]
    kind = found[2]
    argument = found[3] or ""
    if kind == "publish":
        kind = pipeline.form.value
    is_own_step = found[2] == "step"  # Its argument is options; the CI system gives the id token.
    system = "" if is_own_step else argument
    options = argument if is_own_step else ""
    commands = _part(kind, system).replace(" [[options]]", f" {options}" if options else "")
    return "".join(f"{margin}{line}\n" for line in _escaped(commands, pipeline).splitlines())


def _part(name: str, system: str) -> str:
    """Return commands with their parts filled in; a part that the CI system does not have is left
    out."""
    parts = FOLDER / "parts"
    files = [parts / name / f"{system}.sh", parts / f"{name}.sh"]
    file = next((each for each in files if each.exists()), None)
    text = _WITHOUT.get(name, "") if file is None else file.read_text("utf-8")

    def filled(found: re.Match[str]) -> str:
        lines = _part(found[2], system).splitlines()
        return "".join(f"{found[1]}{line}\n" for line in lines)

    return PART_PLACEHOLDER.sub(filled, text)


_WITHOUT = {"summary": "summary=/dev/null\n"}  # Most CI systems show only the log.


def _escaped(commands: str, pipeline: Pipeline) -> str:
    """Return commands escaped for the file of the CI system."""
    if pipeline.template in _DOUBLES_DOLLARS:
        return commands.replace("$", "$$")
    return commands.replace("\\", "\\\\") if pipeline.template.endswith(".groovy") else commands


# These CI systems replace variables in commands themselves.
_DOUBLES_DOLLARS = ("buildkite.yml", "google-cloud-build.yml")
