"""Words of this field that mean the same as words of packages, each with its source.

A synonym is worth less than the typed word itself. It leads from what people type to what authors
write: words that are forms of one another (`logging` and log) are left to the stems, beginnings
(`mongo`) to the prefixes, and two words for one (`key vault`) are joined without an entry here.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from shared.adapters.search.ranking import FILLERS
from shared.adapters.search.vocabulary.errors import ERROR_TEXTS
from shared.adapters.search.vocabulary.libraries import LIBRARIES
from shared.adapters.search.vocabulary.names import NAMES
from shared.adapters.search.vocabulary.needs import NEEDS
from shared.adapters.search.vocabulary.products import PRODUCTS
from shared.adapters.search.vocabulary.standards import STANDARDS
from shared.adapters.search.vocabulary.tasks import TASKS
from shared.adapters.search.words import split_words, stem


class Synonym(NamedTuple):
    """A typed word, the words of packages that mean the same, and who says so."""

    typed: str
    meant: tuple[str, ...]
    source: str


SYNONYMS = (
    # The standard library. The sources are the overviews of the packages themselves.
    Synonym("rest", ("http",), "ballerina/http: services and clients for REST APIs"),
    Synonym("rest api", ("http",), "ballerina/http: services and clients for REST APIs"),
    Synonym("web service", ("http",), "W3C Web Services Architecture: conveyed using HTTP"),
    Synonym("server", ("service", "listener"), "Ballerina by Example: services have listeners"),
    Synonym("cron", ("task", "schedule"), "ballerina/task: jobs that run periodically"),
    Synonym("scheduler", ("task",), "ballerina/task: jobs that run periodically"),
    Synonym("timer", ("task",), "ballerina/task: jobs that run periodically"),
    Synonym("date", ("time",), "ballerina/time: the records Date and Civil"),
    Synonym("datetime", ("time",), "ballerina/time: the records Date and Civil"),
    Synonym("timezone", ("time",), "ballerina/time: the class TimeZone"),
    Synonym("clock", ("time",), "ballerina/time: utcNow and monotonicNow"),
    Synonym("guid", ("uuid",), "RFC 9562: UUIDs are also known as GUIDs"),
    Synonym("unique id", ("uuid",), "RFC 9562: Universally Unique IDentifiers"),
    Synonym("env", ("environment", "os"), "ballerina/os: getEnv"),
    Synonym("environment variable", ("os",), "ballerina/os: getEnv"),
    Synonym("console", ("io",), "ballerina/io: println writes to the console"),
    Synonym("print", ("io",), "ballerina/io: println"),
    Synonym("regexp", ("regex",), "ballerina/regex: regular expressions"),
    Synonym("regex", ("regexp",), "ballerina/lang.regexp: regular expressions"),
    Synonym("regular expression", ("regex", "regexp"), "ballerina/regex: regular expressions"),
    Synonym("password", ("crypto",), "ballerina/crypto: hashBcrypt and hashArgon2"),
    Synonym("cipher", ("crypto",), "ballerina/crypto: encryptAesCbc"),
    Synonym("ssl", ("crypto", "http"), "RFC 8446: TLS is the successor of SSL"),
    Synonym("tls", ("crypto", "http"), "ballerina/http: secureSocket"),
    Synonym("json web token", ("jwt",), "RFC 7519"),
    Synonym("oauth", ("oauth2",), "RFC 6749: The OAuth 2.0 Authorization Framework"),
    Synonym("logger", ("log",), "ballerina/log: printInfo and its levels"),
    Synonym("assert", ("test",), "ballerina/test: assertEquals"),
    Synonym("mock", ("test",), "ballerina/test: the class MockFunction"),
    Synonym("unit test", ("test",), "Ballerina documentation: Test Ballerina code"),
    Synonym("protocol buffer", ("protobuf",), "protobuf.dev: Protocol Buffers"),
    Synonym("ssh", ("sftp",), "IETF: SSH File Transfer Protocol"),
    Synonym("x12", ("edi",), "ASC X12: a standard of electronic data interchange"),
    Synonym("comma separated values", ("csv",), "RFC 4180"),
    Synonym("javascript object notation", ("json", "jsondata"), "RFC 8259"),
    Synonym("yml", ("yaml",), "yaml.org: the file extension before .yaml"),
    Synonym("swagger", ("openapi",), "openapis.org: the Swagger specification was renamed"),
    Synonym("oas", ("openapi",), "openapis.org: OpenAPI Specification"),
    Synonym("orm", ("persist",), "ballerina/persist: maps records to tables"),
    Synonym("wsdl", ("soap",), "W3C Web Services Description Language: binds to SOAP"),
    Synonym("serialization", ("serdes",), "serdes abbreviates serializer and deserializer"),
    Synonym("socket", ("tcp", "udp"), "POSIX: stream and datagram sockets"),
    Synonym("mail", ("email",), "RFC 5322"),
    Synonym("e mail", ("email",), "RFC 5322"),
    Synonym("cobol", ("copybook",), "IBM: a copybook defines the data of a COBOL program"),
    Synonym("electronic data interchange", ("edi", "edifact"), "UN/CEFACT"),
    # Libraries of other languages, by the sentence with which each presents itself.
    Synonym("axios", ("http",), "axios-http.com: a promise based HTTP client"),
    Synonym("gson", ("json", "jsondata"), "github.com/google/gson: Java objects into JSON"),
    Synonym("jackson", ("json", "jsondata"), "github.com/FasterXML/jackson: JSON for Java"),
    Synonym("jaxb", ("xml", "xmldata"), "Jakarta XML Binding: maps classes to XML"),
    Synonym("mockito", ("test",), "site.mockito.org: a mocking framework for unit tests"),
    Synonym("protoc", ("protobuf", "grpc"), "protobuf.dev: the compiler of Protocol Buffers"),
    Synonym("micrometer", ("observe", "prometheus"), "micrometer.io: observability facade"),
    # Running and observing.
    Synonym("k8s", ("kubernetes",), "kubernetes.io: K8s counts the eight letters in between"),
    Synonym("container", ("docker",), "docker.com: runs containers"),
    Synonym("faas", ("serverless",), "CNCF Serverless Whitepaper"),
    Synonym("tracing", ("jaeger", "zipkin", "opentelemetry", "observe"), "Ballerina: Observe"),
    Synonym("metrics", ("prometheus", "observe"), "Ballerina documentation: Observe metrics"),
    Synonym("monitoring", ("observe", "prometheus"), "Ballerina documentation: Observe"),
    Synonym("otel", ("opentelemetry",), "opentelemetry.io"),
    # Databases and messages.
    Synonym("db", ("database",), "the usual abbreviation"),
    Synonym("relational", ("rdbms",), "RDBMS abbreviates relational database management system"),
    Synonym("relational database", ("rdbms",), "RDBMS abbreviates its beginning"),
    Synonym("postgres", ("postgresql",), "postgresql.org: Postgres is an accepted alias"),
    Synonym("pg", ("postgresql",), "postgresql.org: the prefix of its tools"),
    Synonym("mongo", ("mongodb",), "mongodb.com"),
    Synonym("sql server", ("mssql",), "Microsoft SQL Server"),
    Synonym("elastic", ("elasticsearch",), "elastic.co"),
    Synonym("queue", ("brokers", "messaging", "jms"), "Enterprise Integration Patterns"),
    Synonym("message queue", ("messaging", "brokers"), "Enterprise Integration Patterns"),
    Synonym("message broker", ("messaging",), "Enterprise Integration Patterns"),
    Synonym("pub sub", ("pubsub",), "Enterprise Integration Patterns: publish-subscribe"),
    Synonym("publish subscribe", ("pubsub",), "Enterprise Integration Patterns"),
    Synonym("mq", ("ibmmq", "rabbitmq"), "ibm.com and rabbitmq.com: the products"),
    Synonym("nosql", ("mongodb", "redis", "dynamodb"), "nosql-database.org: the list of them"),
    # Vendors and products.
    Synonym("amazon", ("aws",), "aws.amazon.com: Amazon Web Services"),
    Synonym("google", ("googleapis",), "developers.google.com: the host of its APIs"),
    Synonym("gcp", ("googleapis",), "cloud.google.com: Google Cloud Platform"),
    Synonym("service bus", ("asb",), "azure.microsoft.com: Azure Service Bus"),
    Synonym("active directory", ("ad", "ldap"), "Microsoft: speaks LDAP; AD is its abbreviation"),
    Synonym("blob", ("storage",), "azure.microsoft.com: Azure Blob Storage"),
    Synonym("gdrive", ("drive",), "google.com/drive"),
    Synonym("gsheet", ("sheets",), "google.com/sheets"),
    Synonym("gcal", ("calendar",), "google.com/calendar"),
    Synonym("spreadsheet", ("sheets", "excel"), "google.com/sheets and Microsoft Excel"),
    Synonym("sfdc", ("salesforce",), "salesforce.com: the former name salesforce.com"),
    Synonym("gpt", ("openai", "chatgpt"), "openai.com"),
    Synonym("llm", ("openai", "gpt", "chatgpt"), "openai.com: large language models"),
    Synonym("language model", ("openai", "gpt"), "openai.com: large language models"),
    Synonym("speech recognition", ("whisper",), "openai.com: Whisper"),
    Synonym("webhook", ("trigger",), "Ballerina documentation: triggers receive webhooks"),
    Synonym("event", ("trigger",), "Ballerina documentation: triggers receive events"),
    # Tasks of products.
    Synonym("text message", ("sms",), "3GPP: short message service"),
    Synonym("video call", ("conferencing",), "the keyword of those products"),
    Synonym("meeting", ("conferencing",), "the keyword of those products"),
    Synonym("e commerce", ("ecommerce",), "the keyword of those products"),
    Synonym("shop", ("ecommerce",), "the keyword of those products"),
    Synonym("customer relationship", ("crm",), "CRM abbreviates its management"),
    Synonym("todo", ("task",), "the keyword of those products: task management"),
    Synonym("course", ("elearning", "classroom"), "the keyword of those products"),
    Synonym("hr", ("hrms",), "HRMS abbreviates human resource management system"),
    Synonym("url shortener", ("bitly",), "bitly.com"),
    Synonym("medical", ("healthcare", "health"), "HL7: standards for healthcare"),
    Synonym("blockchain", ("cryptocurrency",), "the keyword of those products"),
    Synonym("bitcoin", ("cryptocurrency",), "bitcoin.org"),
    Synonym("music", ("audio",), "the keyword of those products"),
    Synonym("map", ("geographic",), "the keyword of those products"),
)


# Names of one kind, which lead to the same words.
GROUPS = (*PRODUCTS, *LIBRARIES, *ERROR_TEXTS, *STANDARDS, *TASKS, *NEEDS, *NAMES)


def synonyms_of(words: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield, for words in the order in which they were typed, where a synonym begins and ends
    among them, and a word that means the same. The words are stems.
    """
    for start, word in enumerate(words):
        if word[0] not in _names():
            continue
        meant_words, longest = _stems(word[0])
        for length in range(1, min(longest, len(words) - start) + 1):
            for meant in meant_words.get(tuple(words[start : start + length]), ()):
                yield start, start + length, meant


def others_like(word: str) -> tuple[str, ...]:
    """Return the words of packages of the same kind as the one that this stem names."""
    return _siblings().get(word, ())


@cache
def _siblings() -> Mapping[str, tuple[str, ...]]:
    found = defaultdict[str, dict[str, None]](dict)
    for group in PRODUCTS:
        meant = group.meant.split()
        for word in meant:
            found[stem(word)] |= dict.fromkeys(each for each in meant if each != word)
    return {word: tuple(others) for word, others in found.items() if others}


@cache
def _stems(letter: str) -> tuple[Mapping[tuple[str, ...], tuple[str, ...]], int]:
    """Return the words of the synonyms that begin with a letter, by their stems, and how many words
    the longest has. Stems of all would take 40 ms of the first search."""
    meant = dict[tuple[str, ...], tuple[str, ...]]()
    for words, synonyms in _names().get(letter, ()):
        for typed in {words, _without_fillers(words)}:
            key = tuple(map(stem, typed))
            meant[key] = tuple(dict.fromkeys((*meant.get(key, ()), *synonyms)))
    return meant, max(map(len, meant), default=0)


@cache
def _names() -> Mapping[str, Sequence[tuple[tuple[str, ...], Sequence[str]]]]:
    """Return the words of all names and what they mean, by the letters that they begin with; a name
    may begin with a word that queries leave out."""
    found = defaultdict[str, list[tuple[tuple[str, ...], Sequence[str]]]](list)
    for typed, meant in _entries():
        words = tuple(split_words(typed))
        for letter in {words[0][0], _without_fillers(words)[0][0]}:
            found[letter].append((words, meant))
    return found


def _entries() -> Iterator[tuple[str, Sequence[str]]]:
    for each in SYNONYMS:
        yield each.typed, each.meant
    for group in GROUPS:
        for typed in group.typed.split(","):
            yield typed, group.meant.split()


def _without_fillers(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return a name as a query has it; in an identifier, as `not_in_channel`, every word stays."""
    kept = tuple(each for each in words if each not in FILLERS)
    return kept if len(kept) > 1 else words
