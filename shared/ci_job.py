"""The CI job in which packages are published: its log, its id token, its summary, and the requests
that it repeats.

`publish.py` is served with this module's text in place of its import (`functions/http/scripts.py`),
so it needs Python 3.9 or later, and nothing else.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from shared.script_client import (
    UNREACHABLE,
    HttpAnswer,
    NoRedirects,
    counted,
    is_token,
    opener_of,
    printable,
    send,
    send_with_retries,
    unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class PublishFailed(Exception):
    """Nothing more is published; the text is a sentence that says why."""


# Where a pipeline mounts the token of a pod; `ID_TOKEN_FILE` names another file.
MOUNTED_TOKEN = "/var/run/secrets/ballroom/token"  # noqa: S105 - a path.
METADATA_HOST = "metadata.google.internal"
METADATA_TIMEOUT_S = 3.0
LARGEST_TOKEN_BYTES = 65_536
COMMAND_TIMEOUT_S = 60.0


class RunningJob:
    """The CI job that this runs in: its log, its id token, and its summary."""

    def __init__(
        self,
        environment: Mapping[str, str],
        print_line: Callable[[str], None],
        sleep: Callable[[float], None],
    ) -> None:
        self.environment = environment
        self.sleep = sleep
        self._print_line = print_line
        self._secrets: list[str] = []
        self._summary: list[str] = []

    def get(self, name: str) -> str:
        return self.environment.get(name, "")

    @property
    def is_github(self) -> bool:
        """Whether it is GitHub Actions, Forgejo Actions or Gitea Actions, which have one form."""
        return self.get("GITHUB_ACTIONS") == "true"

    @property
    def is_azure(self) -> bool:
        return self.get("TF_BUILD").lower() == "true"

    @property
    def is_buildkite(self) -> bool:
        return self.get("BUILDKITE") == "true"

    # The log.

    def say(self, text: str) -> None:
        """Print a line without secrets, and without what the CI system takes for a command."""
        plain = self._harmless(text)
        self._print_line(f": {plain}" if plain.lstrip().startswith("::") else plain)

    def _harmless(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "****")
        return text.replace("##[", "# #[").replace("##vso[", "# #vso[")

    def mask(self, secret: str) -> None:
        """Let the CI system hide the text wherever a step prints it."""
        self._secrets.append(secret)
        if self.is_github:
            self._print_line(f"::add-mask::{secret}")
        elif self.is_azure:
            self._print_line(f"##vso[task.setsecret]{secret}")
        elif self.is_buildkite and shutil.which("buildkite-agent"):
            self._run(["buildkite-agent", "redactor", "add"], secret)

    def report_failure(self, reason: str) -> None:
        """Print why the job failed, where the CI system shows failures."""
        self.say(reason)
        one_line = self._harmless(printable(reason))
        if self.is_github:
            self._print_line(f"::error title=Ballroom::{one_line.replace('%', '%25')}")
        elif self.is_azure:
            escaped = one_line.replace("%", "%AZP25")
            self._print_line(f"##vso[task.logissue type=error]{escaped}")
        self.summarize(f"**Failed:** {as_markdown(one_line)}")
        self.write_summary(is_success=False)

    def summarize(self, line: str) -> None:
        self._summary.append(line)

    def write_summary(self, *, is_success: bool = True) -> None:
        """Show the summary where the CI system has a place for one; elsewhere the log is it."""
        text = "### Ballroom\n\n" + "\n\n".join(self._summary) + "\n"
        try:
            if self.is_github and self.get("GITHUB_STEP_SUMMARY"):
                with Path(self.get("GITHUB_STEP_SUMMARY")).open("a", encoding="utf-8") as file:
                    file.write(text)
            elif self.is_azure and self.get("AGENT_TEMPDIRECTORY"):
                file_name = f"ballroom-summary-{uuid.uuid4().hex}.md"
                path = Path(self.get("AGENT_TEMPDIRECTORY")) / file_name
                path.write_text(text, encoding="utf-8")
                self._print_line(f"##vso[task.uploadsummary]{path}")
            elif self.is_buildkite and shutil.which("buildkite-agent"):
                style = "success" if is_success else "error"
                command = ["buildkite-agent", "annotate", "--style", style]
                self._run([*command, "--context", "ballroom"], text)
        except (OSError, PublishFailed) as error:
            self.say(f"The summary could not be written: {error}")

    # The id token.

    def id_token(self, audience: str) -> str:
        """Ask the CI system for an id token; raise `PublishFailed` with what the job lacks."""
        token = self._find_id_token(audience).strip()
        if not is_token(token):
            message = "The CI system gave no id token. Check the permissions of the job."
            raise PublishFailed(message)
        self.mask(token)
        return token

    def _find_id_token(self, audience: str) -> str:
        sources = (
            self._token_of_variable,
            self._token_of_file,
            self._token_of_github,
            self._token_of_azure,
            self._token_of_command,
            self._token_of_google,
        )
        for source in sources:
            if token := source(audience):
                return token
        lacking = (said for name, said in MISSING.items() if self.get(name))
        raise PublishFailed(next(lacking, NO_IDENTITY))

    def _token_of_variable(self, _audience: str) -> str:
        names = ("BALLROOM_ID_TOKEN", "ID_TOKEN", "BITBUCKET_STEP_OIDC_TOKEN")
        return next((self.get(each) for each in names if self.get(each)), "")

    def _token_of_file(self, _audience: str) -> str:
        file = Path(self.get("ID_TOKEN_FILE") or MOUNTED_TOKEN)
        if not self.get("ID_TOKEN_FILE") and not file.is_file():
            return ""
        try:
            with file.open("rb") as opened:
                return opened.read(LARGEST_TOKEN_BYTES).decode("ascii", "replace")
        except OSError:
            message = f"{file} cannot be read. Mount the id token of the job there."
            raise PublishFailed(message) from None

    def _token_of_github(self, audience: str) -> str:
        url = self.get("ACTIONS_ID_TOKEN_REQUEST_URL")
        if not url:
            return ""
        asked = f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
        bearer = f"Bearer {self.get('ACTIONS_ID_TOKEN_REQUEST_TOKEN')}"
        answer = Http(url, self).send("GET", asked, {"Authorization": bearer})
        require_good(answer, "The CI system gave no id token", url)
        return str(answer.fields.get("value") or "")

    def _token_of_azure(self, _audience: str) -> str:
        url = self.get("SYSTEM_OIDCREQUESTURI")
        bearer = self.get("SYSTEM_ACCESSTOKEN")
        if not url or not bearer:
            return ""
        asked = f"{url}{'&' if '?' in url else '?'}api-version=7.1"
        headers = {"Authorization": f"Bearer {bearer}"}
        answer = Http(url, self).send("POST", asked, headers, b"")
        require_good(answer, "Azure DevOps gave no id token", url)
        return str(answer.fields.get("oidcToken") or "")

    def _token_of_command(self, audience: str) -> str:
        if self.is_buildkite:
            command = ["buildkite-agent", "oidc", "request-token", "--audience", audience]
            return self._run([*command, "--claim", "organization_id,pipeline_id"])
        if self.get("CIRCLECI") == "true":
            claims = json.dumps({"aud": audience}, separators=(",", ":"))
            command = ["circleci", "run", "oidc", "get", "--root-issuer", "--claims", claims]
            return self._run(command)
        return ""

    def _token_of_google(self, audience: str) -> str:
        """Ask the metadata server, which machines and builds of Google Cloud reach."""
        if any(map(self.get, MISSING)):  # Another CI system, on a machine of somebody else.
            return ""
        host = self.get("GCE_METADATA_HOST") or METADATA_HOST
        request = urllib.request.Request(
            f"http://{host}/computeMetadata/v1/instance/service-accounts/default/identity"
            f"?audience={quote(audience, safe='')}&format=full",
            headers={"Metadata-Flavor": "Google"},
        )
        opener = urllib.request.build_opener(NoRedirects, urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=METADATA_TIMEOUT_S) as answer:
                return answer.read(LARGEST_TOKEN_BYTES).decode("ascii", "replace")
        except UNREACHABLE:
            return ""

    def _run(self, command: Sequence[str], sent: str = "") -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the agents of CI systems, from their PATH.
                command,
                input=sent,
                capture_output=True,
                check=True,
                encoding="utf-8",
                timeout=COMMAND_TIMEOUT_S,
            )
        except subprocess.CalledProcessError as error:
            why = printable(str(error.stderr).strip()[-500:])
            message = f"{command[0]} {command[1]} failed: {why or f'exit code {error.returncode}'}"
            raise PublishFailed(message) from None
        except (OSError, subprocess.SubprocessError) as error:
            message = f"{command[0]} cannot be run: {printable(error)}"
            raise PublishFailed(message) from None
        return done.stdout


NO_IDENTITY = (
    "This job has no id token and no BALLROOM_TOKEN. Let the CI system give it an id token, in the "
    "variable ID_TOKEN or in the file that ID_TOKEN_FILE names, or store an access token as the "
    "secret BALLROOM_TOKEN."
)
# What a job lacks, by a variable that its CI system sets; the first that is there decides.
MISSING = {
    "GITEA_ACTIONS": (
        "Gitea Actions signs no id tokens. Store an access token as a secret, and set the variable "
        "BALLROOM_TOKEN of this step to it."
    ),
    "FORGEJO_ACTIONS": (
        "This job gets no id token. Set enable-openid-connect: true in the job, or set the "
        "variable BALLROOM_TOKEN of this step to a secret with an access token."
    ),
    "GITHUB_ACTIONS": (
        "This job lacks the permission id-token: write. Add it to the permissions of the job; a "
        "run of a fork's pull request never has it."
    ),
    "TF_BUILD": (
        "This step lacks the variable SYSTEM_ACCESSTOKEN. Add env: SYSTEM_ACCESSTOKEN: "
        "$(System.AccessToken) to it."
    ),
    "GITLAB_CI": (
        "This job lacks the id token ID_TOKEN. Add id_tokens: ID_TOKEN: with aud: and the address "
        "of the registry to the job."
    ),
    "BITBUCKET_BUILD_NUMBER": (
        "This step gets no id token. Add oidc: with audiences: and the address of the registry to "
        "the step."
    ),
    "JENKINS_URL": (
        "This step lacks the variable ID_TOKEN. Bind the credential of the kind OpenID Connect id "
        "token to it with withCredentials."
    ),
}


_SPECIAL = re.compile(r"([\\`*_\[\]<>|!#&~])")


def as_markdown(text: str) -> str:
    """Return a text that a summary shows as it is."""
    return _SPECIAL.sub(r"\\\1", printable(text))


# --- Requests -----------------------------------------------------------------------------------

TRIES = 6
LONGEST_PAUSE_S = 120.0  # If the server asks for a longer pause, the request is not repeated.
TIMEOUT_S = 120.0


class Http:
    """Sends requests to a server, and again while it is busy or away, as it asks for."""

    def __init__(self, address: str, job: RunningJob) -> None:
        self._opener = opener_of(address)
        self._job = job

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> HttpAnswer:
        """Return the answer; raise `PublishFailed` if there is none."""
        return self.send_made(method, url, lambda: (headers or {}, body))

    def send_made(
        self, method: str, url: str, make: Callable[[], tuple[Mapping[str, str], bytes | None]]
    ) -> HttpAnswer:
        """Send a request that is made again for every try."""

        def request() -> urllib.request.Request:
            headers, body = make()
            return urllib.request.Request(  # noqa: S310 - the scheme was checked, or is the provider's.
                url,
                data=body,
                method=method,
                headers={"Accept": "application/json", "User-Agent": "ballroom-publish", **headers},
            )

        def pause(cause: HttpAnswer | Exception, seconds: float) -> None:
            waiting = counted(round(seconds), "second")
            self._job.say(f"{why_not(cause, url)} Trying again in {waiting}.")
            self._job.sleep(seconds)

        answer = send_with_retries(
            request,
            lambda made: send(self._opener, made, timeout_s=TIMEOUT_S),
            tries=TRIES,
            longest_pause_s=LONGEST_PAUSE_S,
            pause=pause,
        )
        if isinstance(answer, Exception):
            message = f"{why_not(answer, url)} Check the address."
            raise PublishFailed(message)
        return answer


def require_good(answer: HttpAnswer, what: str, url: str) -> None:
    """Raise `PublishFailed` with what did not happen and why, unless the answer is a good one."""
    if not answer.is_good:
        message = f"{what}: {why_not(answer, url)}"
        raise PublishFailed(message)


def why_not(cause: HttpAnswer | Exception, url: str) -> str:
    """Return the sentence of a refusal or else its status, or why there was no answer."""
    if isinstance(cause, Exception):
        return unreachable(_host(url), cause)
    return cause.refusal or f"{_host(url)} answered {cause.status}. Check the address."


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
