"""Check the parameters before azd deploys: `python3 infra/preflight.py [OPTIONS] [FILE]`.

Reads infra/main.parameters.json, or the file that is named, and fills it in from the environment
as azd does. Prints a sentence for each value that the templates, a service or the app would refuse
later, then asks Azure what is deployed and what the region has, and fails if anything is wrong.
Needs nothing but Python, and the Azure CLI for what only Azure knows.

The hook of azure.yaml passes the options that stand in BALLROOM_PREFLIGHT:

--first             Go on where Azure cannot be asked: nothing is deployed yet.
--take-away NAME    Go on although the parameter NAME takes away what is deployed. May be repeated.
--isolated-first    Go on although stores that nobody has set up are isolated from the start.

With --has-edge it prints nothing, and fails if these parameters put no Front Door before the app.
With --uploads-ready it asks the app for uploads whether it has its package, and prints true or
false.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from string import Template
from typing import Any, cast
from urllib.request import urlopen

INFRA = Path(__file__).resolve().parent
FILE = INFRA / "main.parameters.json"
TEMPLATE = INFRA / "main.bicep"
SETTINGS = INFRA.parent / "docs" / "reference" / "configuration.md"

MOST_INSTANCES = 1_000  # The limit of Flex Consumption.
FEWEST_ANYWHERE = 40  # Every region takes this maximum; some take a smaller one.
INSTANCE_MB = 2_048
QUOTA_MB = 512_000  # The quota of a new subscription in a region.
THROUGHPUT_STEP = 1_000  # Request units of Cosmos DB.
MOST_THROUGHPUT = 1_000_000
EVERYBODY = "*"
MOST_NETWORKS = 500  # Azure accepts 512 address rules for an app.
ANSWER_SECONDS = 60.0  # An app without an instance takes up to half a minute to start one.
PATIENCE = 120.0  # Seconds for one answer of Azure.

# What Azure is asked. `$NAME` stands for a value.
GROUP_EXISTS = "az group exists --name $group"
DEPLOYMENTS = (
    "az deployment group list --resource-group $group --query '[].{at: properties.timestamp,"
    " state: properties.provisioningState, parameters: properties.parameters,"
    " outputs: properties.outputs}'"
)
RESOURCES = "az resource list --resource-group $group --query '[].{location: location, tags: tags}'"
APP_REGIONS = "az functionapp list-flexconsumption-locations --query '[].name'"
ZONE_REGIONS = (
    "az functionapp list-flexconsumption-locations --zone-redundant=true --query '[].name'"
)
DATABASE_REGION = "az cosmosdb locations show --location $location"
CAPABILITIES = (
    "az cosmosdb show --resource-group $group --name $account --query 'capabilities[].name'"
)

# An output of every deployment of these templates.
OUTPUT = "BALLROOM_FUNCTION_APP"
PLACEHOLDER = re.compile(r"\$\{(\w+)(?:=([^}]*))?\}")
DECLARATION = re.compile(
    r"((?:^@[^\n]*\n(?:(?!@|param )[^\n]*\n)*)*)^param (\w+) (\w+)(?: = (.+))?$", re.MULTILINE
)

# What each parameter takes away when it loses its value.
LOSSES = {
    "url": "the domain leaves Front Door, and links begin with another address",
    "alertEmail": "alerts reach nobody",
    "entraClientId": "nobody can sign in with Entra ID any more",
    "tokenEnvironment": "new tokens begin with another name",
    "addresses": "nobody reaches the registry any more",
    "cosmosName": "the apps use the database from before a restore",
    "isolated": "the stores are open to the internet",
    "edge": "clients are sent to the app, and no longer to Front Door",
    "size": "what only the larger size has is no longer managed",
}
# Set by each run of the hook, or by azd itself.
NOT_COMPARED = (
    "environmentName",
    "location",
    "operatorId",
    "operatorType",
    "edgeAddresses",
    "uploadsReady",
)
SIZES = ("dev", "team", "public")
# What strangers look for in a registry, and what they miss without it.
OF_THE_OPERATOR = {
    "BALLROOM_ABUSE_CONTACT": "mail about decisions of administrators does not say where to "
    "appeal. Set it to a mail address or an https address.",
    "BALLROOM_SECURITY_CONTACT": "/.well-known/security.txt does not say where to report a "
    "vulnerability. Set it to a mailto: or https: address.",
    "BALLROOM_PRIVACY_URL": "no page links to your privacy notice. Set it to its https address.",
}

Problems = Iterator[str]
Values = Mapping[str, object]


@dataclass(frozen=True)
class Parameter:
    """A parameter of the main template, as it is declared there."""

    name: str
    kind: str
    default: str = ""  # An expression; empty for none.
    allowed: tuple[object, ...] = ()
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Given:
    """The parameters of one deployment, and where each value comes from."""

    values: Values
    declared: Mapping[str, Parameter]
    variables: Mapping[str, str]  # The environment's variable of a parameter.
    environment: Mapping[str, str]

    def value(self, name: str) -> object:
        """Return what a parameter will be: what is given, or its default; None where unknown."""
        if name in self.values:
            return self.values[name]
        if name not in self.declared:
            return None
        return literal(self.declared[name].default, str(self.values.get("size", SIZES[0])))


class UnansweredError(Exception):
    """Azure could not be asked, or did not answer: what was asked, and why not."""

    def __str__(self) -> str:
        """Return both in one sentence."""
        return ": ".join(map(str, self.args))


def main(arguments: list[str]) -> str | int:
    """Check one file; return why it failed, or 0."""
    asked = read_arguments(arguments)
    if asked.uploads_ready:
        sys.stdout.write(f"{str(uploads_ready(os.environ)).lower()}\n")
        return 0
    file = Path(asked.file) if asked.file else FILE
    beside = file.parent / TEMPLATE.name
    given = read(file, beside if beside.is_file() else TEMPLATE, os.environ)
    if asked.has_edge:
        return 0 if has_edge(given) else 1
    found = [problem for check in CHECKS for problem in check(given)]
    if not asked.isolated_first:
        found += isolation(given)
    for note in (*fewer(given), *quota(given), *opened(given), *operator(given)):
        sys.stderr.write(f"{note}\n")
    # Azure takes seconds to answer, so it is asked last.
    found += [] if found else asking(given, asked)
    # Without its size a registry looks like `dev`, so what `dev` lacks is said after that.
    found += [] if found else callers(given)
    return "\n".join(found) or 0


def read_arguments(arguments: list[str]) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(prog="infra/preflight.py")
    parser.add_argument("--has-edge", action="store_true")
    parser.add_argument("--uploads-ready", action="store_true")
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--isolated-first", action="store_true")
    parser.add_argument("--take-away", action="append", default=[], metavar="NAME")
    parser.add_argument("file", nargs="?", metavar="FILE")
    return parser.parse_args(arguments)


# What is given


def read(file: Path, template: Path, environment: Mapping[str, str]) -> Given:
    """Read the parameters of a file, filled in from the environment as azd does."""
    declared = declarations(template.read_text("utf-8"))
    written = json.loads(file.read_text("utf-8"))["parameters"]
    values: dict[str, object] = {}
    variables: dict[str, str] = {}
    for name, each in written.items():
        value = each["value"]
        whole = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
        if whole is None:
            values[name] = substituted(value, environment)
            continue
        variables[name] = whole[1]
        text = environment.get(whole[1]) or whole[2] or ""
        kind = declared[name].kind if name in declared else "string"
        # azd leaves out what nothing sets; the template's default then counts.
        if text or (kind == "string" and whole[1] in environment):
            values[name] = converted(text, kind)
    return Given(values, declared, variables, environment)


def filled(file: Path, environment: Mapping[str, str]) -> Values:
    """Return all parameters of a file of this folder, those that nothing sets as empty values."""
    given = read(file, TEMPLATE, environment)
    empty: dict[str, object] = {"object": {}, "array": [], "string": ""}
    unset = {name: empty.get(given.declared[name].kind) for name in given.variables}
    return {**unset, **given.values}


def substituted(value: object, environment: Mapping[str, str]) -> object:
    """Return a value with `${NAME}` and `${NAME=default}` replaced."""

    def replaced(found: re.Match[str]) -> str:
        text = environment.get(found[1]) or found[2] or ""
        return json.dumps(text)[1:-1]

    return json.loads(PLACEHOLDER.sub(replaced, json.dumps(value)))


def converted(text: str, kind: str) -> object:
    """Return a text of the environment as azd passes it; what it cannot convert stays a text."""
    if kind == "bool":
        known = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
        return known.get(text.lower(), text)
    if kind == "int":
        return int(text) if re.fullmatch(r"-?\d+", text) else text
    if kind in ("object", "array"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def declarations(text: str) -> dict[str, Parameter]:
    """Return the parameters that a template declares."""
    found: dict[str, Parameter] = {}
    for decorators, name, kind, default in DECLARATION.findall(text):
        allowed = re.search(r"@allowed\(\[(.*?)\]\)", decorators, re.DOTALL)
        choices = re.findall(r"'([^']*)'|(-?\d+)", allowed[1]) if allowed else []
        found[name] = Parameter(
            name,
            kind,
            default.strip(),
            tuple(int(number) if number else word for word, number in choices),
            _bound("minValue", decorators),
            _bound("maxValue", decorators),
        )
    return found


def _bound(decorator: str, decorators: str) -> int | None:
    found = re.search(rf"@{decorator}\((-?\d+)\)", decorators)
    return int(found[1]) if found else None


def literal(expression: str, size: str) -> object:
    """Return the value of a default that is written out, or that follows from the size."""
    text = re.sub(
        r"size (==|!=) '(\w+)'",
        lambda found: str((found[2] == size) == (found[1] == "==")).lower(),
        expression,
    )
    # The innermost choice first.
    choice = re.compile(r"\(?(true|false) \? ([\w']+) : (-?[\w']+)\)?")
    while found := choice.search(text):
        text = text.replace(found[0], found[2] if found[1] == "true" else found[3])
    if quoted := re.fullmatch(r"'(.*)'", text):
        return quoted[1]
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    known: dict[str, Any] = {"true": True, "false": False, "{}": {}, "[]": []}
    return known.get(text)


# Checks that need nobody's answer


def names(given: Given) -> Problems:
    """Check the values that names of resources are made from."""
    name = str(given.values.get("environmentName", ""))
    token = str(given.values.get("tokenEnvironment", ""))
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        yield (
            f"The environment is called {name!r}, and names are made of 1 to 64 letters, digits, "
            "hyphens and underscores. Make another one: azd env new NAME"
        )
    elif not token and not re.search(r"[A-Za-z0-9]", name):
        yield (
            f"The environment {name!r} has no letter and no digit, which stand in every token. "
            "Make another one: azd env new NAME"
        )
    if token and not re.fullmatch(r"[a-z0-9]{1,12}", token):
        yield f"tokenEnvironment is {token!r}. It takes 1 to 12 lower-case letters and digits."


def parameters(given: Given) -> Problems:
    """Check each value by what the template declares: name, type, choices and bounds."""
    for name, value in given.values.items():
        about = given.declared.get(name)
        shown = json.dumps(value)
        where = label(given, name)
        if about is None:
            yield f"{name} is no parameter of main.bicep.{nearest(name, given.declared)}"
        elif not has_type(value, about.kind):
            yield f"{where} is {shown}. It is {TYPES.get(about.kind, about.kind)}."
        elif about.allowed and value not in about.allowed:
            yield f"{where} is {shown}. It is {_one_of(about.allowed)}."
        elif not _is_within(value, about):
            yield f"{where} is {shown}. It is {_range(about)}."


def label(given: Given, name: str) -> str:
    """Return what an administrator calls a parameter: its variable, or its own name."""
    return given.variables.get(name, name)


def has_type(value: object, kind: str) -> bool:
    """Say whether a value has a type of Bicep."""
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    types: dict[str, type] = {"string": str, "bool": bool, "object": dict, "array": list}
    return kind not in types or isinstance(value, types[kind])


def nearest(name: str, known: Mapping[str, object] | list[str]) -> str:
    """Return a sentence with the name that was probably meant."""
    found = get_close_matches(name, known, n=1, cutoff=0.7)
    return f" Did you mean {found[0]}?" if found else ""


def _one_of(allowed: tuple[object, ...]) -> str:
    *first, last = [str(each) for each in allowed]
    return f"{', '.join(first)} or {last}" if first else last


def _is_within(value: object, about: Parameter) -> bool:
    if not isinstance(value, int):
        return True
    return (about.least is None or value >= about.least) and (
        about.most is None or value <= about.most
    )


def _range(about: Parameter) -> str:
    if about.most is None:
        return f"at least {about.least:,}"
    return f"a number from {about.least or 0:,} to {about.most:,}"


def addresses(given: Given) -> Problems:
    """Check the public address, and the mailbox of alerts."""
    url = str(given.values.get("url", ""))
    if url and not re.fullmatch(r"https://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*", url):
        yield (
            f"{label(given, 'url')} is {url!r}. It is an https address without a port, a path and "
            "a slash at its end, such as https://packages.example.org, or empty."
        )
    elif url and not has_edge(given) and not url.endswith(".azurewebsites.net"):
        yield (
            f"{label(given, 'url')} is {url!r}, and without Front Door nothing answers for a "
            "domain of your own. Choose the size team or public, set edge to true, or leave it "
            "empty."
        )
    email = str(given.values.get("alertEmail", ""))
    if email and not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>.]+(?:\.[^@\s,;<>.]+)+", email):
        yield (
            f"{label(given, 'alertEmail')} is {email!r}. It is one mailbox, such as "
            "ops@example.org, or empty for no alerts."
        )


def callers(given: Given) -> Problems:
    """Check who may call the app where no Front Door is before it."""
    if "addresses" not in given.declared or has_edge(given):
        return
    where = label(given, "addresses")
    text = str(given.values.get("addresses", ""))
    networks = [each.strip() for each in text.split(",") if each.strip()]
    if not networks:
        yield (
            f"{where} is empty, and without Front Door only the addresses that it names can call "
            "the registry. Name your networks, with commas between them: azd env set "
            "BALLROOM_ADDRESSES 203.0.113.7,198.51.100.0/24"
        )
    elif len(networks) > MOST_NETWORKS:
        yield (
            f"{where} names {len(networks)} networks, and Azure takes {MOST_NETWORKS}. "
            "Name larger networks, or put Front Door before the app (edge)."
        )
    for each in networks if networks != [EVERYBODY] else ():
        if not is_network(each):
            yield (
                f"{where} has {each!r}. It takes addresses and networks, such as 203.0.113.7 and "
                "198.51.100.0/24, or * alone for everybody."
            )


def throughput(given: Given) -> Problems:
    units = given.values.get("maximumThroughput", THROUGHPUT_STEP)
    if not isinstance(units, int):
        return
    if not is_whole(units, THROUGHPUT_STEP, MOST_THROUGHPUT) or units % THROUGHPUT_STEP:
        yield (
            f"maximumThroughput is {units!r}. It is a multiple of {THROUGHPUT_STEP:,}, up to "
            f"{MOST_THROUGHPUT:,}."
        )


def instances(given: Given) -> Problems:
    """Check that there are no more instances that are always there than there may be."""
    most = given.values.get("maximumInstances", FEWEST_ANYWHERE)
    ready = given.values.get("alwaysReady", 0)
    if isinstance(most, int) and isinstance(ready, int) and ready > most:
        yield f"alwaysReady is {ready}. It is a number from 0 to maximumInstances ({most})."


def budget(given: Given) -> Problems:
    """Check that a budget has an amount, and the month that Azure takes as its start."""
    amount = given.values.get("monthlyBudget", 0)
    start = str(given.values.get("budgetStart", ""))
    if not isinstance(amount, int) or not amount:
        return
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])-01", start):
        yield (
            f"budgetStart is {start!r}. It is the first day of the month in which monthlyBudget is "
            "first deployed, such as 2026-11-01, and stays the same later."
        )
    elif not given.values.get("alertEmail"):
        yield "monthlyBudget tells nobody without BALLROOM_ALERT_EMAIL. Set both, or none."


def settings(given: Given) -> Problems:
    """Check further settings: each is one that there is, and each value is a text."""
    more = given.values.get("moreSettings", {})
    if not isinstance(more, dict):
        yield 'moreSettings is no object, such as {"BALLROOM_FOUNDING": "administrators"}.'
        return
    known = known_settings()
    for name, value in cast("dict[str, object]", more).items():
        if not isinstance(value, str):
            yield f"moreSettings gives {name} the value {json.dumps(value)}. Put it in quotes."
        meant = nearest(name, known)
        if known and name not in known and (name.startswith("BALLROOM_") or meant):
            yield f"moreSettings has {name}, which is no setting.{meant}"


def known_settings() -> list[str]:
    """Return the settings of the registry; none where its documentation is not at hand."""
    if not SETTINGS.is_file():
        return []
    return re.findall(r"^\| `(\w+)` \|", SETTINGS.read_text("utf-8"), re.MULTILINE)


def isolation(given: Given) -> Problems:
    """Check that the key and the first administrator can be stored."""
    if given.values.get("isolated") and not is_deployed(given):
        yield (
            "isolated is true, and nothing is deployed yet: the first key and the first "
            "administrator could not be stored from here. Deploy with isolated false, create the "
            "administrator, then set isolated to true and run azd provision. If the stores may not "
            "be open for that time, do what docs/run/azure/deployment.md#isolated-stores says."
        )


def is_deployed(given: Given) -> bool:
    """Say whether azd's environment has the outputs of a deployment."""
    return bool({OUTPUT, "BALLROOM_VAULT"} & set(given.environment))


def has_edge(given: Given) -> bool:
    """Say whether Front Door is before the app."""
    return bool(given.values.get("edge", given.values.get("size", SIZES[0]) != SIZES[0]))


def fewer(given: Given) -> Problems:
    """Warn if not every region accepts the limit of instances."""
    if is_whole(given.values.get("maximumInstances"), 1, FEWEST_ANYWHERE - 1):
        yield f"Note: some regions refuse a maximumInstances below {FEWEST_ANYWHERE}."


def quota(given: Given) -> Problems:
    """Warn if the limit of instances is above the default quota, which Azure raises on request."""
    size = given.values.get("size")
    memory = given.values.get("instanceMemory", INSTANCE_MB)
    most = given.values.get("maximumInstances", 170 if size == "public" else FEWEST_ANYWHERE)
    if not is_whole(most, 0, MOST_INSTANCES) or not is_whole(memory, 0, QUOTA_MB):
        return
    # Behind Front Door there are apps for changes and for uploads as well.
    instances = int(str(most)) + 2 * FEWEST_ANYWHERE * has_edge(given)
    if instances * int(str(memory)) > QUOTA_MB:
        yield (
            f"Note: {instances} instances of {memory:,} MB are more than the {QUOTA_MB:,} MB that "
            "a new subscription has in a region. Ask for more under Quotas before they are needed."
        )


def uploads_ready(environment: Mapping[str, str]) -> bool:
    """Say whether Front Door may send archives to the app for uploads.

    A new installation gets everything at once. In one of an earlier version the app has no package
    before its first deployment. Once archives are sent there, an outage does not change that.
    """
    if environment.get("BALLROOM_UPLOADS_READY") == "true":
        return True
    endpoint = environment.get("BALLROOM_ENDPOINT", "")
    if not endpoint:
        return True
    if environment.get("BALLROOM_UPLOADS_APP") and answering_app(endpoint) == "uploads":
        return True
    sys.stderr.write(
        "Note: the app for uploads does not answer yet. This deployment leaves archives with the "
        "app for changes; run azd up once more when it has ended, and they are sent there.\n"
    )
    return False


def answering_app(endpoint: str) -> str:
    """Return the name of the app that answers where the one for uploads should; empty for none."""
    try:
        with urlopen(f"{endpoint}/health/ready?app=uploads", timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - an output of the deployment, an https address.
            return str(json.load(answer)["app"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def opened(given: Given) -> Problems:
    """Warn if everybody may call an app that no Front Door protects."""
    if not has_edge(given) and str(given.values.get("addresses", "")).strip() == EVERYBODY:
        yield (
            f"Note: {label(given, 'addresses')} is *, so everybody can call the registry, and no "
            "firewall is before it: a single large request of a stranger, without a token, can "
            "stop it for hours. Name networks instead, or choose team or public."
        )


def operator(given: Given) -> Problems:
    """Warn if strangers use the registry and do not find its operator."""
    more = given.values.get("moreSettings", {})
    named = cast("dict[str, object]", more) if isinstance(more, dict) else {}
    if given.values.get("size") == "public":
        for setting, missed in OF_THE_OPERATOR.items():
            if not named.get(setting):
                yield f"Note: {setting} is not in moreSettings, so {missed}"


def is_network(text: str) -> bool:
    """Say whether a text is an address or a network in the form that Azure takes."""
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def is_whole(value: object, least: int, most: int) -> bool:
    """Say whether a value is an integer from `least` to `most`."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


# What only Azure knows


def asking(given: Given, asked: Namespace) -> Problems:
    """Check against what is deployed, and what the region has."""
    unanswered: list[str] = []
    is_first = False
    try:
        last = last_deployment(given)
        is_first = last.get("state") != "Succeeded"
        yield from region(given)
        if last:
            yield from comparison(given, last, asked.take_away)
    except UnansweredError as failure:
        unanswered.append(f"What is deployed could not be compared with: {failure}")
    try:
        yield from zones(given)
        if is_first:
            yield from services_of_region(given)
    except UnansweredError as failure:
        unanswered.append(f"What the region has could not be checked: {failure}")
    yield from not_checked(given, unanswered, is_first=asked.first)


def not_checked(given: Given, unanswered: list[str], *, is_first: bool) -> Problems:
    """Say what could not be checked, and whether that ends the deployment."""
    if not unanswered:
        return
    if is_first or is_deployed(given):
        for each in unanswered:
            sys.stderr.write(f"Note: {each}\n")
        return
    yield from unanswered
    yield (
        "Without that answer a deployment could take a domain, sign-in or alerts away, or fail "
        "halfway. Sign in with az login. If nothing is deployed yet, you can go on without: "
        "BALLROOM_PREFLIGHT=--first azd up"
    )


def ask(command: str, given: Given, **values: str) -> Any:
    """Ask Azure; raise UnansweredError where it does not answer."""
    words = [Template(word).safe_substitute(values) for word in shlex.split(command)]
    if subscription := given.environment.get("AZURE_SUBSCRIPTION_ID"):
        words += ["--subscription", subscription]
    words += ["--output", "json"]
    try:
        done = subprocess.run(  # noqa: S603 - the words are the constants above, and names.
            words, capture_output=True, text=True, check=True, timeout=PATIENCE
        )
        return json.loads(done.stdout or "null")
    except (OSError, ValueError, subprocess.SubprocessError) as failure:
        said = str(getattr(failure, "stderr", "") or failure).strip()
        reason = said.splitlines()[-1] if said else type(failure).__name__
        raise UnansweredError(shlex.join(words[:4]), reason) from None


def last_deployment(given: Given) -> Mapping[str, Any]:
    """Return parameters and outputs of the last deployment of this environment; none for none.

    The last one that succeeded counts; if none has, the last one.
    """
    group = given.environment.get("AZURE_RESOURCE_GROUP", "")
    if not group:
        raise UnansweredError("AZURE_RESOURCE_GROUP", "it is not set.")
    if not ask(GROUP_EXISTS, given, group=group):
        return {}
    environment = given.values.get("environmentName")
    every: list[dict[str, Any]] = ask(DEPLOYMENTS, given, group=group) or []
    found = [
        each for each in every if _value_of(each, "parameters", "environmentName") == environment
    ]
    succeeded = [each for each in found if each.get("state") == "Succeeded"]
    every = sorted(succeeded or found, key=lambda each: str(each.get("at")))
    return every[-1] if every else {}


def _value_of(deployment: Mapping[str, Any], part: str, name: str) -> object:
    values: Mapping[str, Mapping[str, Any] | None] = deployment.get(part) or {}
    return (values.get(name) or {}).get("value")


def comparison(given: Given, last: Mapping[str, Any], meant: list[str]) -> Problems:
    """Compare with the last deployment: refuse what would be taken away, name what changes."""
    group = given.environment.get("AZURE_RESOURCE_GROUP")
    told: dict[str, dict[str, Any]] = last.get("parameters") or {}
    before: dict[str, Any] = {
        name: each.get("value")
        for name, each in told.items()
        if name not in NOT_COMPARED and name in given.declared
    }
    size = before.get("size", SIZES[0])
    variable = given.variables.get("size", "")
    if variable and not given.environment.get(variable) and "size" not in meant:
        yield (
            f"{variable} is not set, and {group} has a registry of the size {size}. Run azd env "
            f"refresh, or azd env set {variable} {size}"
        )
        return
    yield from growth(given, last, str(size))
    for name, value in before.items():
        now = given.value(name)
        if now == value or (now is None and name not in given.values):
            continue
        if not takes_away(name, value, now):
            if value in ("", {}):
                continue
            sys.stderr.write(
                f"Note: {label(given, name)} was {shown(value)} in the last deployment and is "
                f"{shown(now)} now.\n"
            )
        elif name not in meant:
            yield (
                f"{label(given, name)} was {shown(value)} in the last deployment of {group} and "
                f"is {shown(now)} now, so {LOSSES.get(name, 'this value is lost')}. "
                f"{way_back(given, name, value)} If you mean it: "
                f'BALLROOM_PREFLIGHT="--take-away {name}" azd provision'
            )


def takes_away(name: str, before: object, now: object) -> bool:
    """Say whether a change of a parameter takes away what is deployed."""
    if name == "size":
        return SIZES.index(str(now)) < SIZES.index(str(before))
    if isinstance(before, dict) and isinstance(now, dict):
        return bool(set(cast("dict[str, Any]", before)) - set(cast("dict[str, Any]", now)))
    if name in LOSSES and isinstance(before, bool):
        return before
    return isinstance(before, str) and not now


def shown(value: object) -> str:
    """Return a value as an administrator writes it."""
    return value if isinstance(value, str) and value else json.dumps(value)


def way_back(given: Given, name: str, value: object) -> str:
    """Return how to keep a value."""
    if variable := given.variables.get(name):
        text = value if isinstance(value, str) else json.dumps(value)
        return f"To keep it: azd env set {variable} {shlex.quote(text)}"
    return f"To keep it, set {name} to {json.dumps(value)} in infra/main.parameters.json."


def growth(given: Given, last: Mapping[str, Any], before: str) -> Problems:
    """Check that what is deployed can become what the size asks for."""
    size = str(given.values.get("size"))
    if before == "team" and size == "public" and given.values.get("zoneRedundant") is not False:
        yield (
            "The size was team and is public, whose copies in several zones apply to new "
            "resources only. Set zoneRedundant to false in infra/main.parameters.json, and move "
            "the accounts as docs/run/azure/operations.md#scale says."
        )
    account = str(_value_of(last, "outputs", "BALLROOM_COSMOS") or "")
    if before != "dev" or size == "dev" or not account:
        return
    group = given.environment["AZURE_RESOURCE_GROUP"]
    has: list[str] = ask(CAPABILITIES, given, group=group, account=account) or []
    if "EnableServerless" in has and given.value("capacity") != "serverless":
        yield (
            f"{account} is serverless, which provisioning cannot change. Migrate it first, as "
            "docs/run/azure/operations.md#scale says."
        )


def region(given: Given) -> Problems:
    """Check that what is there already is in the same region, also after a first failure."""
    environment = given.values.get("environmentName")
    group = given.environment["AZURE_RESOURCE_GROUP"]
    location = plain(given.values.get("location"))
    if not location or not ask(GROUP_EXISTS, given, group=group):
        return
    there: set[str] = set()
    every: list[dict[str, Any]] = ask(RESOURCES, given, group=group) or []
    for each in every:
        tags: dict[str, str] = each.get("tags") or {}
        if tags.get("azd-env-name") == environment:
            there.add(plain(each.get("location")))
    elsewhere = sorted(there - {location, "global", ""})
    if elsewhere:
        yield (
            f"AZURE_LOCATION is {location}, and resources of the environment {environment} are in "
            f"{', '.join(elsewhere)}, with the names that would be used again. Go back to that "
            "region, or make a new environment, whose resources have other names: azd env new NAME"
        )


def services_of_region(given: Given) -> Problems:
    """Check before a first deployment that the region takes the app and its database."""
    location = plain(given.values.get("location"))
    if not location:
        return
    regions = [plain(each) for each in ask(APP_REGIONS, given)]
    if location not in regions:
        yield (
            f"Flex Consumption is not in {location}. Set AZURE_LOCATION to one of "
            f"{', '.join(sorted(regions))}."
        )
    answer: Any = ask(DATABASE_REGION, given, location=location) or {}
    about: Mapping[str, object] = answer.get("properties") or {}
    if about.get("isSubscriptionRegionAccessAllowedForRegular") is False or (
        has_zones(given) and about.get("isSubscriptionRegionAccessAllowedForAz") is False
    ):
        yield (
            f"Cosmos DB takes no new account of this subscription in {location}. Choose another "
            "region, or request access to it in the portal under Quotas."
        )


def zones(given: Given) -> Problems:
    """Check that the region has zones for the app: fewer regions have these than have zones."""
    location = plain(given.values.get("location"))
    if not has_zones(given) or not location:
        return
    regions = sorted(plain(each) for each in ask(ZONE_REGIONS, given))
    if location not in regions:
        yield (
            f"Flex Consumption has no zones in {location}. Choose one of {', '.join(regions)}, or "
            "set zoneRedundant to false."
        )


def has_zones(given: Given) -> bool:
    return bool(given.values.get("zoneRedundant", given.values.get("size") == "public"))


def plain(location: object) -> str:
    """Return the name of a region as Azure compares it."""
    return str(location or "").lower().replace(" ", "")


TYPES = {
    "int": "a whole number, and not in quotes",
    "bool": "true or false, and not in quotes",
    "string": "a text in quotes",
    "object": 'an object, such as {"NAME": "value"}',
    "array": "a list",
}
CHECKS: tuple[Callable[[Given], Problems], ...] = (
    names,
    parameters,
    addresses,
    throughput,
    instances,
    budget,
    settings,
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
