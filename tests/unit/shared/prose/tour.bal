// A tour of the language, for the colours of its words.
import ballerina/http;
import ballerinax/kafka.internal as 'client;

# Greets people.
#
# + name - who is greeted, as `string`
# + times - how often
# + return - the greeting, or an `error`
@deprecated
public isolated function greet(string name, int times = 3) returns string|error {
    if times <= 0 || !(name is "") {
        return error("too few: \u{1F600}\n", cause = ());
    }
    string[] parts = from int i in 0 ..< times
        let var n = i * 0x1F + 1.5e3f
        where n != 2 && i % 2 === 0
        order by n descending
        limit 10
        select string `Hello ${name.trim()}, ${{"a": {"b": i}}["a"]?.toString() ?: "nobody"}!`;
    return string:'join(", ", ...parts);
}

const decimal PRICE = 12.50d;
configurable string & readonly host = ?;
final readonly & map<json> settings = {"a": [1, 2.0, true, null], b: base16 `DEADBEEF`};

enum Colour { RED = "red", GREEN }

type Person record {|
    readonly string id;
    int|float age?;
    Person[]...;
|};

type Handler isolated function (http:Request req) returns http:Response|error?;

annotation Info on type, service;

public distinct client class Client {
    *http:ClientObject;
    private final http:Client inner;

    function init(string url) returns error? {
        self.inner = check new (url, {timeout: 30});
    }

    resource function get [string... path](@http:Query int 'limit) returns xml|error {
        xml<xml:Element> x = xml `<a b="${path[0]}">${'limit}</a>`;
        return x/<b>/*;
    }

    remote function send(byte[] body) returns stream<int, error?> => self.inner->/items.post(body);
}

service /api on new http:Listener(8080) {
    resource function post people/[string id](Person person) returns http:Created|error {
        worker A returns int {
            1 -> B;
            return <- B;
        }
        worker B {
            int n = <- A;
            n ->> A;
        }
        lock {
            table<Person> key(id) people = table [];
        }
        transaction {
            check commit;
        } on fail var e {
            rollback;
            panic e;
        }
        match person {
            {id: "x", age: var a} if a > 1 => { foreach var i in 0...9 { continue; } }
            [1, ...var rest]|_ => { while true { break; } }
        }
        future<int> f = start compute(~1 << 2 >> 3 >>> 4 & 5 ^ 6);
        int r = check wait f;
        var [a, b] = trap <[int, string]>checkpanic fork(r);
        r += 1; r -= -1; r *= 2; r /= 2; r &= 1; r |= 1; r ^= 1; r <<= 1; r >>= 1; r >>>= 1;
        string:RegExp re = re `[a-z]+\d{2,}(${a})`;
        do { return <http:Created>{body: typeof person}; }
    }
}
