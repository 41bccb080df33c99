"""Generated texts and sources for packages of which only the metadata is real."""

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.paths import central_apis
from tests.support.archives import bala

GENERATED = "Generated for a demonstration"
PLATFORMS = {"java11": False, "java17": True}  # Whether it is said to run as a native image.

_LICENSES = ["Apache-2.0"] * 8 + ["MIT", "MPL-2.0"]
_REAL_NAMES = (
    "The name, the versions, the modules, the keywords and the dependencies of this package are "
    "real. This text and the sources are invented, and so are most dates and all pulls."
)
_KINDS = {
    "trigger": "Receives events of {topic} and calls the functions of your service.",
    "tool": "A command-line tool for {topic}.",
    "template": "A project template for {topic}.",
    "connector": "Connects Ballerina programs to {topic}.",
    "library": "Functions and types for {topic}.",
}

_README = """\
# {title}

> [!NOTE]
> **{generated}.** {note}

{summary}

## Install

```toml
[[dependency]]
org = "{org}"
name = "{name}"
version = "{version}"
```

## Use

```ballerina
import ballerina/io;
import {org}/{module};

public function main() returns error? {{
    {alias}:Client api = check new ({{url: "https://api.example.org", timeout: 30}});
    {alias}:Item[] items = check api->list(10);
    foreach {alias}:Item item in items {{
        io:println(string `${{item.id}}: ${{item.name}}`);
    }}
}}
```

See the [sources](../modules/{module}/client.bal), or search for
~~other~~ {topic}.
"""

_CLIENT = """\
// {generated}: the sources of the real package are not here.
import ballerina/http;
{imports}
# Configuration of a client of {topic}.
#
# + url - URL of the service
# + timeout - seconds to wait for a response
# + retries - how often a failed request is repeated
public type Configuration record {{|
    string url;
    decimal timeout = 30;
    int retries = 3;
|}};

# An item of {topic}.
public type Item record {{|
    readonly string id;
    string name;
    map<json> details?;
|}};

# A group of items of {topic}.
#
# + items - Items of the group
# + related - What belongs to the group in other packages
public type Group record {{|
    string name;
    Item[] items = [];
{related}|}};

# A failure of {topic}.
public type Error distinct error;

# Order of items in a list.
public enum Order {{
    NEWEST,
    OLDEST,
    # By name, without case.
    NAME = "name"
}}

# Maximum number of items in a list.
public const int MOST = 1000;

# Calls {topic}.
public isolated client class Client {{
    private final http:Client inner;

    # Connects to the service.
    #
    # + configuration - URL, timeout and retries
    # + return - an `error` if the URL is invalid
    public isolated function init(Configuration configuration) returns error? {{
        self.inner = check new (configuration.url, {{timeout: configuration.timeout}});
    }}

    # Returns the newest items.
    #
    # + most - maximum number of items
    # + return - the items, or an `error`
    remote isolated function list(int most = 10) returns Item[]|error {{
        if most <= 0 {{
            return error("most must be at least 1");
        }}
        return self.inner->get(string `/items?limit=${{most}}`);
    }}
{methods}}}
"""

_METHOD = """
    # {verb} {article} {thing} of {topic}.
    #
    # + id - Identifier of the {thing}
    # + return - The {thing}, or an `Error`
    remote isolated function {name}(string id) returns {type}|Error {{
        return error(id);
    }}
"""
_VERBS = {
    "get": "Returns",
    "create": "Creates",
    "update": "Updates",
    "delete": "Deletes",
    "copy": "Copies",
    "archive": "Archives",
    "restore": "Restores",
    "export": "Exports",
}


@cache
def _summaries() -> dict[str, str]:
    return json.loads(Path(__file__).with_name("package_summaries.json").read_text("utf-8"))


@dataclass(frozen=True)
class GeneratedRelease:
    """A release of an index with the keywords of its package, and generated texts and sources."""

    release: Mapping[str, Any]
    keywords: Sequence[str] = ()

    @property
    def topic(self) -> str:
        """Return the subject of the package, as its name says."""
        words = re.split(r"[._\-/]+", self.release["name"])
        spoken = [each for each in words if each not in ("trigger", "client", "connector")]
        return " ".join(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", each) for each in spoken or words)

    @property
    def kind(self) -> str:
        """Return the kind of package that its name implies."""
        name = self.release["name"].lower()
        org = self.release["org"]
        for kind in ("trigger", "tool", "template"):
            if kind in name:
                return kind
        return "connector" if org == "ballerinax" else "library"

    @property
    def summary(self) -> str:
        """Return the short description: real for a well-known package, else generated."""
        known = _summaries().get(f"{self.release['org']}/{self.release['name']}")
        return known or _KINDS[self.kind].format(topic=self.topic)

    def chosen(self, among: int) -> int:
        """Return a number below `among`, the same one for all versions of the package."""
        return zlib.crc32(f"{self.release['org']}/{self.release['name']}".encode()) % among

    def archive(self) -> bytes:
        release = self.release
        modules = [each["name"] for each in release["modules"]]
        return bala(
            f"{release['org']}/{release['name']}:{release['version']}",
            platform=release["platform"],
            ballerina_version=release["ballerina_version"],
            dependencies=[
                f"{d['org']}/{d['name']}:{d['version']}" for d in release["dependencies"]
            ],
            modules=[each for each in modules if each != release["name"]],
            summary=self.summary,
            readme=self._fill(_README),
            module_readmes={each: f"# {each}\n\n{self.summary}\n" for each in modules},
            keywords=self.keywords,
            licenses=[_LICENSES[self.chosen(len(_LICENSES))]],
            authors=[f"The authors of {release['org']}"],
            source_repository=f"https://example.org/{release['org']}/{release['name']}",
            graalvm=PLATFORMS.get(release["platform"]),
            template=self.kind == "template",
            entries=self._sources(),
        )

    def _sources(self) -> dict[str, str]:
        """Return the recorded sources of the package, else a generated client."""
        name = self.release["name"]
        api = central_apis().get(f"{self.release['org']}/{name}")
        if api is None:
            return {f"modules/{name}/client.bal": self._source()}
        found = dict[str, str]()
        for path, text in api["files"].items():
            folder, slash, file = path.removeprefix("modules/").rpartition("/")
            module = f"{name}.{folder}" if slash else name
            if module in api["modules"]:
                found[f"modules/{module}/{file}"] = text
        return found

    def _source(self) -> str:
        """Return the source of the client. Later versions have more methods, and records of a
        package refer to those of its dependencies."""
        dependencies = [each for each in self.release["dependencies"] if each["name"] != "http"][:3]
        names = [(each["org"], each["name"], f"d{at}") for at, each in enumerate(dependencies)]
        return self._fill(
            _CLIENT,
            imports="".join(f"import {org}/{name} as {alias};\n" for org, name, alias in names),
            related="".join(f"    {alias}:Item? {alias}Item = ();\n" for *_, alias in names),
            methods="".join(self._methods()),
        )

    def _methods(self) -> Iterator[str]:
        things = {"item": "Item", "group": "Group"}
        every = [(verb, thing) for verb in _VERBS for thing in things]
        major, minor = re.findall(r"\d+", f"{self.release['version']}.0")[:2]
        for verb, thing in every[: 3 + 4 * int(major) + int(minor)]:
            yield self._fill(
                _METHOD,
                verb=_VERBS[verb],
                article="an" if thing == "item" else "a",
                thing=thing,
                type=things[thing],
                name=f"{verb}{thing.title()}",
            )

    def _fill(self, text: str, **more: str) -> str:
        release = self.release
        values = {
            "title": self.topic.title(),
            "generated": GENERATED,
            "note": _REAL_NAMES,
            "summary": self.summary,
            "topic": self.topic,
            "org": release["org"],
            "name": release["name"],
            "version": release["version"],
            "module": release["name"],
            "alias": re.split(r"[._]", release["name"])[-1] or "api",
        }
        return text.format_map(values | more)
