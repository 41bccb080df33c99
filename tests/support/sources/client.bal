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
