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
