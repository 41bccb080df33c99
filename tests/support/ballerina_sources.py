"""Generated Ballerina sources in the proportions of real connectors.

A third of a source is doc comments, as in Central's connectors; there are as many records as
methods, and methods have bodies with templates, queries and error handling.
"""

import random

WORDS = """account address amount batch channel client code contact count created currency customer
    data date description detail email entry event field file filter folder group header identifier
    invoice item key label language limit link list location message method name number offset
    order owner page parent payment period phone plan price product profile project query rate
    reason record region request response result role schedule service session start state status
    subject summary tag target task team ticket time title token total transaction type unit update
    user value version webhook window workspace zone"""
TYPES = ("string", "int", "boolean", "decimal", "string[]", "map<anydata>", "json", "int?", "float")

RECORD = """
# {sentence}
#
# + {first} - {sentence}
@display {{label: "{label}"}}
public type {name} record {{|
    *Common{number};
    # {sentence}
    {type_} {first};
    # {sentence} {sentence}
    # {sentence}
    @constraint:String {{maxLength: {number}}}
    readonly {other} {second}?;
    {type_} {third} = {{limit: {number}, name: "{label}"}};
    {name}Detail|{name}Link[] & readonly|() {fourth}?;
    anydata...;
|}};
"""
METHOD = """
    # {sentence} {sentence}
    # ```ballerina
    # {name} result = check client->/{first}/[{second}]/{third};
    # ```
    #
    # + {first} - {sentence}
    # + {second} - {sentence} {sentence}
    #   {sentence}
    # + payload - {sentence}
    # + return - {sentence}
    # # Deprecated
    # {sentence}
    @deprecated
    resource isolated function {accessor} {first}/[string {second}]/{third}({name} payload,
            @display {{label: "{label}"}} map<string|string[]> headers = {{}},
            {type_} {first} = {value}, *{name}Queries queries)
            returns {name}|http:Response|error? {{
        string path = string `/{first}/${{getEncodedUri({second})}}/{third}?q=${{"}}"}}`;
        http:Request request = new; // {sentence}
        json jsonBody = jsondata:toJson(payload);
        if jsonBody is map<json> && queries.length() > {number} {{
            request.setPayload(from var {{name, value}} in jsonBody
                where name != "{label}"
                select {{[name]: value, "kind": xml `<{first} a="${{value}}"/>`}});
        }}
        return self.clientEp->{accessor}(path, request, {{...headers, "X-{label}": "{number}"}});
    }}
"""
FUNCTION = """
# {sentence}
#
# + {first} - {sentence}
# + {second} - {sentence}
# + return - {sentence}
public isolated function {third}{name}({type_} {first}, {other}... {second})
        returns {name}[]|error =>
    let int n = {number} in build({first}, {second}.map(x => x + n), {{key: [n, "{label}"]}});

const string {upper} = "{label}";

# {sentence}
public enum {name}Kind {{
    # {sentence}
    {upper}_ONE = "one",
    {upper}_TWO
}}

configurable {type_} {first}{number} = ?;
"""


def source(size: int, seed: int = 0) -> str:
    """Return a source of about so many characters."""
    # Not for secrets: the same seed makes the same source.
    chosen = random.Random(seed)  # noqa: S311
    parts = ["import ballerina/http;\nimport ballerina/lang.'int as ints;\n"]
    length = 0
    while length < size:
        part = _part(chosen)
        parts.append(part)
        length += len(part)
    return "".join(parts)


def _part(chosen: random.Random) -> str:
    kind = chosen.random()
    if kind < 0.45:
        return RECORD.format_map(_words(chosen))
    if kind < 0.6:
        return FUNCTION.format_map(_words(chosen))
    methods = "".join(METHOD.format_map(_words(chosen)) for _ in range(chosen.randint(1, 6)))
    name = _words(chosen)["name"]
    return f"\n# {name}.\npublic isolated client class {name}Client {{\n{methods}}}\n"


def _words(chosen: random.Random) -> dict[str, object]:
    words = WORDS.split()
    first, second, third, fourth = chosen.sample(words, 4)
    sentence = " ".join(chosen.choices(words, k=chosen.randint(4, 14)))
    return {
        "first": first,
        "second": second,
        "third": third,
        "fourth": fourth,
        "name": first.title() + second.title(),
        "upper": second.upper(),
        "label": third.title(),
        "sentence": sentence.capitalize() + ".",
        "type_": chosen.choice(TYPES),
        "other": chosen.choice(TYPES),
        "accessor": chosen.choice(("get", "post", "put", "delete", "patch")),
        "value": chosen.choice(('"a,b"', "{}", "[1, 2]", "()", "10")),
        "number": chosen.randint(0, 1000),
    }
