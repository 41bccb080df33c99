"""Sources of a package for tests of its API documentation."""

from collections.abc import Mapping
from typing import Any

from tests.support.archives import bala
from tests.support.world import World

CLIENT = """\
import ballerina/http;

# Connects to the greeting service.
#
# + url - Where the service is
@display {label: "Greeter", iconPath: "docs/icon.png"}
public isolated client class Client {
    # Opens the connection.
    # + config - What it needs
    public isolated function init(*Config config) returns error? {
        self.url = config.url;
    }

    # Greets somebody.
    #
    # + person - Whom to greet
    # + times - How often
    # + return - The greeting, or an error
    remote isolated function greet(Person person, int times = 1) returns string|error {
        return string `Hello ${person.name}`;
    }

    # Lists greetings.
    resource isolated function get greetings/[string language]/latest() returns Person[]|error {
        return [];
    }

    function hidden() {}
}
"""

TYPES = """\
# How to connect.
public type Config record {|
    # The address
    string url;
    int timeout = 30;
|};

# Somebody to greet.
public type Person record {
    string name;
    Person friend?;
    Mood mood = HAPPY;
};

# How somebody feels.
public enum Mood {
    # Well
    HAPPY,
    SAD
}

# What went wrong.
public type Error distinct error;

# Greets the world.
# + return - the greeting
public isolated function greetWorld() returns string => "Hello";

function secret() {}
"""

LISTENER = """\
# Waits for greetings.
public class Listener {
    # Opens the port.
    # + port - Where it listens
    public isolated function init(int port) returns error? {}
    public isolated function attach(Service s, string[]|string? name = ()) returns error? {}
    public isolated function detach(Service s) returns error? {}
    public isolated function 'start() returns error? {}
    public isolated function gracefulStop() returns error? {}
    public isolated function immediateStop() returns error? {}
}

# A service that is greeted.
public type Service distinct service object {
    # Called with each greeting.
    # + person - Who greets
    # + return - An error if it is refused
    remote function onGreeting(Person person) returns error?;
};
"""


def documented_bala(
    coordinate: str = "acme/greet:1.0.0",
    /,
    sources: Mapping[str, str | bytes] | None = None,
    **spec: Any,
) -> bytes:
    """Return an archive with these sources of its default module, by default a client, types and
    a listener."""
    name = coordinate.partition("/")[2].partition(":")[0]
    sources = sources or {"client.bal": CLIENT, "types.bal": TYPES, "listener.bal": LISTENER}
    entries = {f"modules/{name}/{path}": text for path, text in sources.items()}
    return bala(coordinate, entries=entries, **spec)


async def published(world: World, *archives: bytes, **options: Any) -> None:
    """Publish archives, by default one, and let the queue document them."""
    for archive in archives or (documented_bala(),):
        await world.push(archive, **options)
    await world.document()
