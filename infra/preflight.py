"""Check the parameters before azd deploys: `python3 infra/preflight.py [OPTION] [FILE]`.

Reads infra/main.parameters.json, or the file that is named, and fills it in from the environment
as azd does. Prints a sentence for each value that the templates, a service or the app would refuse
later, and fails if there is one. The templates refuse most of these too, but only after they were
sent to Azure. Needs nothing but Python, and the Azure CLI if several zones are wanted.

With --has-edge it prints nothing, and fails if these parameters put no Front Door before the app.
With --uploads-ready it asks whether the app for uploads has its package, and prints true or false.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import cast
from urllib.request import urlopen

FILE = Path(__file__).resolve().parent / "main.parameters.json"

FEWEST_INSTANCES, MOST_INSTANCES = 1, 1_000  # That Flex Consumption takes.
FEWEST_ANYWHERE = 40  # Every region takes this maximum; some take a smaller one.
INSTANCE_MB, QUOTA_MB = 2_048, 512_000  # Of one instance; of a new subscription, in a region.
EVERYBODY, MOST_NETWORKS = "*", 500  # Of the rules for addresses of an app, Azure takes 512.
THROUGHPUT_STEP, MOST_THROUGHPUT = 1_000, 1_000_000  # Request units of Cosmos DB.

HAS_EDGE, UPLOADS_READY = "--has-edge", "--uploads-ready"
ANSWER_SECONDS = 60.0  # An app without an instance takes up to half a minute to start one.

ZONE_REGIONS = (
    *("az", "functionapp", "list-flexconsumption-locations", "--zone-redundant=true"),
    *("--query", "[].name", "--output", "tsv"),
)

Problems = Iterator[str]


def main(arguments: list[str]) -> str | int:
    """Check one file; return why it failed, or 0."""
    options = [each for each in arguments if each in (HAS_EDGE, UPLOADS_READY)]
    files = [each for each in arguments if each not in options]
    if len(files) > 1 or len(options) > 1:
        return f"usage: infra/preflight.py [{HAS_EDGE} | {UPLOADS_READY}] [FILE]"
    if UPLOADS_READY in options:
        sys.stdout.write(f"{str(uploads_ready(os.environ)).lower()}\n")
        return 0
    given = filled(Path(files[0]) if files else FILE, os.environ)
    if HAS_EDGE in options:
        return 0 if has_edge(given) else 1
    found = [problem for check in CHECKS for problem in check(given)]
    found += isolation(given, os.environ)
    # Azure takes seconds to answer, so it is asked last.
    found += [] if found else zones(given)
    for warning in (*opened(given), *fewer(given), *quota(given)):
        sys.stderr.write(f"{warning}\n")
    return "\n".join(found) or 0


def filled(file: Path, environment: Mapping[str, str]) -> dict[str, object]:
    """Return the parameters with `${NAME}` and `${NAME=default}` replaced."""

    def value(found: re.Match[str]) -> str:
        text = environment.get(found[1]) or found[2] or ""
        return json.dumps(text)[1:-1]

    text = re.sub(r"\$\{(\w+)(?:=([^}]*))?\}", value, file.read_text("utf-8"))
    return {name: each["value"] for name, each in json.loads(text)["parameters"].items()}


def names(given: Mapping[str, object]) -> Problems:
    """Check the values that names of resources are made from."""
    name, token = str(given.get("environmentName", "")), str(given.get("tokenEnvironment", ""))
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


def sizes(given: Mapping[str, object]) -> Problems:
    size = given.get("size", "dev")
    if size not in ("dev", "team", "public"):
        yield f"BALLROOM_SIZE is {size!r}. It is dev, team or public."


def addresses(given: Mapping[str, object]) -> Problems:
    url = str(given.get("url", ""))
    if url and not re.fullmatch(r"https://[A-Za-z0-9.-]+(?::\d+)?", url):
        yield (
            f"BALLROOM_URL is {url!r}. It is an https address without a path and without a slash "
            "at its end, such as https://packages.example.org, or empty."
        )


def callers(given: Mapping[str, object]) -> Problems:
    """Check who may call the app where no Front Door is before it."""
    if has_edge(given):
        return
    text = str(given.get("addresses", ""))
    networks = [each.strip() for each in text.split(",") if each.strip()]
    if not networks:
        yield (
            "BALLROOM_ADDRESSES is empty, and without Front Door only the addresses that it names "
            "can call the registry. Name your networks, with commas between them: "
            "azd env set BALLROOM_ADDRESSES 203.0.113.7,198.51.100.0/24"
        )
    elif len(networks) > MOST_NETWORKS:
        yield (
            f"BALLROOM_ADDRESSES names {len(networks)} networks, and Azure takes {MOST_NETWORKS}. "
            "Name larger networks, or put Front Door before the app (edge)."
        )
    for each in networks if networks != [EVERYBODY] else ():
        if not is_network(each):
            yield (
                f"BALLROOM_ADDRESSES has {each!r}. It takes addresses and networks, such as "
                "203.0.113.7 and 198.51.100.0/24, or * alone for everybody."
            )


def throughput(given: Mapping[str, object]) -> Problems:
    units = given.get("maximumThroughput", THROUGHPUT_STEP)
    if not is_whole(units, THROUGHPUT_STEP, MOST_THROUGHPUT) or int(str(units)) % THROUGHPUT_STEP:
        yield (
            f"maximumThroughput is {units!r}. It is a multiple of {THROUGHPUT_STEP:,}, up to "
            f"{MOST_THROUGHPUT:,}, and not in quotes."
        )


def instances(given: Mapping[str, object]) -> Problems:
    """Check the limits of instances."""
    most, ready = given.get("maximumInstances", FEWEST_ANYWHERE), given.get("alwaysReady", 0)
    if not is_whole(most, FEWEST_INSTANCES, MOST_INSTANCES):
        yield (
            f"maximumInstances is {most!r}. Flex Consumption takes {FEWEST_INSTANCES} to "
            f"{MOST_INSTANCES:,}, and not in quotes."
        )
    elif not is_whole(ready, 0, int(str(most))):
        yield f"alwaysReady is {ready!r}. It is a number from 0 to maximumInstances ({most})."


def settings(given: Mapping[str, object]) -> Problems:
    """Check further settings: each value must be a text."""
    more = given.get("moreSettings", {})
    if not isinstance(more, dict):
        yield 'moreSettings is no object, such as {"BALLROOM_FOUNDING": "administrators"}.'
        return
    for name, value in cast("dict[str, object]", more).items():
        if not isinstance(value, str):
            yield f"moreSettings gives {name} the value {json.dumps(value)}. Put it in quotes."


def isolation(given: Mapping[str, object], environment: Mapping[str, str]) -> Problems:
    """Check that the key and the first administrator can be stored."""
    if given.get("isolated") and not ({"BALLROOM_VAULT", "BALLROOM_ISOLATED"} & set(environment)):
        yield (
            "isolated is true, and nothing is deployed yet: the first key and the first "
            "administrator could not be stored from here. Deploy with isolated false, create the "
            "administrator, then set isolated to true and run azd provision. If the stores may not "
            "be open for that time, do what docs/run/azure/deployment.md#isolated-stores says."
        )


def zones(given: Mapping[str, object]) -> Problems:
    """Check that the region has zones for the app: fewer regions have these than have zones."""
    location = str(given.get("location", ""))
    if not given.get("zoneRedundant", given.get("size") == "public") or not location:
        return
    try:
        answer = subprocess.run(ZONE_REGIONS, capture_output=True, text=True, check=True)  # noqa: S603 - constant words.
    except (OSError, subprocess.CalledProcessError) as failure:
        reason = (getattr(failure, "stderr", "") or str(failure)).strip()
        yield (
            f"Azure does not say which regions have zones for Flex Consumption: {reason} "
            "Mend that, or set zoneRedundant to false."
        )
        return
    regions = sorted(answer.stdout.split())
    if location.lower().replace(" ", "") not in regions:
        yield (
            f"Flex Consumption has no zones in {location}. Choose one of {', '.join(regions)}, or "
            "set zoneRedundant to false."
        )


def has_edge(given: Mapping[str, object]) -> bool:
    """Say whether Front Door is before the app."""
    return bool(given.get("edge", given.get("size", "dev") != "dev"))


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


def opened(given: Mapping[str, object]) -> Problems:
    """Warn if everybody may call an app that no Front Door protects."""
    if not has_edge(given) and str(given.get("addresses", "")).strip() == EVERYBODY:
        yield (
            "Note: BALLROOM_ADDRESSES is *, so everybody can call the registry, and no firewall is "
            "before it: a single large request of a stranger, without a token, can stop it for "
            "hours. Name networks instead, or choose team or public."
        )


def fewer(given: Mapping[str, object]) -> Problems:
    """Warn if not every region accepts the limit of instances."""
    if is_whole(given.get("maximumInstances"), FEWEST_INSTANCES, FEWEST_ANYWHERE - 1):
        yield f"Note: some regions refuse a maximumInstances below {FEWEST_ANYWHERE}."


def quota(given: Mapping[str, object]) -> Problems:
    """Warn if the limit of instances is above the default quota, which Azure raises on request."""
    size, memory = given.get("size"), given.get("instanceMemory", INSTANCE_MB)
    most = given.get("maximumInstances", 170 if size == "public" else FEWEST_ANYWHERE)
    if not is_whole(most, 0, MOST_INSTANCES) or not is_whole(memory, 0, QUOTA_MB):
        return
    # Behind Front Door there are apps for changes and for uploads as well.
    instances = int(str(most)) + 2 * FEWEST_ANYWHERE * has_edge(given)
    if instances * int(str(memory)) > QUOTA_MB:
        yield (
            f"Note: {instances} instances of {memory:,} MB are more than the {QUOTA_MB:,} MB that "
            "a new subscription has in a region. Ask for more under Quotas before they are needed."
        )


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


CHECKS: tuple[Callable[[Mapping[str, object]], Problems], ...] = (
    names, sizes, addresses, callers, throughput, instances, settings,
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
