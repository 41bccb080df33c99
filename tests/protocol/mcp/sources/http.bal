# Calls servers.
public isolated client class Client {
    public isolated function init(string url) returns error? {}
    # Gets a resource.
    remote isolated function get(string path, int retries = 0) returns Response|error {}
    # Sends a request on.
    remote isolated function forward(string path) returns Response|error {}
}

# What a server answers.
public class Response {
    # The status.
    public int statusCode = 200;
}
