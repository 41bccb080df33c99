"""Parts of error texts, and the systems that say so in their own lists of errors.

An entry has words of packages, parts of texts that only these systems write, and the list.
"""

from shared.adapters.search.known_products import ProductKind

ERROR_TEXTS = (
    ProductKind(
        "oracledb",
        "ora, tns, ora 12154, ora 00942, ora 01017, ora 00001, invalid identifier",
        "docs.oracle.com: Database Error Messages",
    ),
    ProductKind(
        "mysql",
        "er dup entry, er access denied, 1045 28000, 1062, 2002 hy000, communications link failure",
        "dev.mysql.com: Server Error Message Reference",
    ),
    ProductKind(
        "postgresql",
        "password authentication failed, fatal role, relation does exist, 23505, 42p01, "
        "pg hba conf, violates unique constraint",
        "postgresql.org: Error Codes",
    ),
    ProductKind(
        "mssql", "login failed user, sa login, invalid object name, 18456", "learn.microsoft.com"
    ),
    ProductKind("sql", "sqlstate, sqlexception, deadlock found, syntax error near", "ISO 9075"),
    ProductKind(
        "mongodb",
        "e11000, mongoservererror, mongotimeout, mongo timeout, replicasetnoprimary, duplicate key",
        "mongodb.com: Error Codes",
    ),
    ProductKind(
        "redis", "wrongtype, noauth, misconf, oom command, moved slot, crossslot", "redis.io"
    ),
    ProductKind("snowflake", "sql compilation error, virtual warehouse suspended", "snowflake.com"),
    ProductKind(
        "dynamodb",
        "provisioned throughput exceeded, conditional check failed, throughput exceeded, "
        "conditional request failed",
        "docs.aws.amazon.com: Error handling with DynamoDB",
    ),
    ProductKind(
        "s3",
        "no such bucket, nosuchbucket, no such key, nosuchkey, signature does match, "
        "signaturedoesnotmatch, specified bucket, specified key",
        "docs.aws.amazon.com: S3 Error responses",
    ),
    ProductKind(
        "sqs",
        "receipt handle, receipthandleisinvalid, visibility timeout, non existent queue, "
        "queue does exist",
        "docs.aws.amazon.com: Amazon SQS errors",
    ),
    ProductKind("sns", "topic arn, topicarn, endpoint disabled", "docs.aws.amazon.com: SNS"),
    ProductKind("ses", "email address is verified, address verified", "docs.aws.amazon.com: SES"),
    ProductKind("lambda", "lambda timeout, function timed out", "docs.aws.amazon.com: Lambda"),
    ProductKind(
        "aws", "invalid client token, invalidclienttokenid, expired token exception", "AWS"
    ),
    ProductKind(
        "cosmosdb", "request rate large, 429 request rate, cosmosexception", "learn.microsoft.com"
    ),
    ProductKind(
        "asb",
        "message lock lost, messagelocklost, session lock lost, dead letter queue, service bus",
        "learn.microsoft.com: Service Bus messaging exceptions",
    ),
    ProductKind("eventhub", "receiver disconnected, epoch receiver", "learn.microsoft.com"),
    ProductKind("storage", "blob not found, blobnotfound, container not found", "Azure Storage"),
    ProductKind("keyvault", "secret not found, secretnotfound", "Azure Key Vault"),
    ProductKind("ad", "aadsts, aadsts50011, aadsts7000215", "Microsoft Entra error codes"),
    ProductKind(
        "kafka",
        "unknown topic partition, leader available, offset out range, consumer group rebalance, "
        "broker available, record too large, commit failed, rebalance in progress, consumer lag",
        "kafka.apache.org: Error Codes",
    ),
    ProductKind("cregistry", "40401, 40403, 42201, subject not found", "docs.confluent.io"),
    ProductKind(
        "rabbitmq",
        "access refused, precondition failed, channel closed, inequivalent arg, amqp connection",
        "rabbitmq.com: Channels",
    ),
    ProductKind("nats", "responders available, no responders, stale connection", "docs.nats.io"),
    ProductKind("ibmmq", "mqrc, 2035, mqje001, amq9, reason 2059", "ibm.com: reason codes"),
    ProductKind("jms", "jmsexception, jndi name", "jakarta.ee: Messaging"),
    ProductKind("mqtt", "connack, connection lost 32109", "docs.oasis-open.org: MQTT"),
    ProductKind(
        "grpc",
        "deadline exceeded, unavailable io, resource exhausted, unimplemented method, status code 14",
        "grpc.io: Status codes",
    ),
    ProductKind(
        "graphql", "cannot query field, introspection disabled, must have selection", "graphql.org"
    ),
    ProductKind(
        "websocket", "1006, close code, upgrade required, handshake status", "RFC 6455: close codes"
    ),
    ProductKind("soap", "soap fault, soap env, mustunderstand", "w3.org: SOAP"),
    ProductKind(
        "http",
        "cors, 404, 500, 502, 503, 405, 413, 429 too many, connection refused, econnrefused, "
        "bad gateway, idle timeout, internal server error, method not allowed, preflight, "
        "connection reset, pkix path",
        "RFC 9110: HTTP Semantics",
    ),
    ProductKind(
        "crypto", "bad padding, badpadding, bad decrypt, unable find valid certification", "JCA"
    ),
    ProductKind(
        "jwt", "token expired, jwt expired, signature verification failed, invalid signature", "JWT"
    ),
    ProductKind(
        "oauth2", "invalid grant, invalid client, invalid_grant, invalid_client", "RFC 6749, 5.2"
    ),
    ProductKind(
        "email",
        "535, 550, 554, 530 starttls, relay access denied, mailbox unavailable, authentication "
        "unsuccessful, username password accepted",
        "RFC 5321: SMTP replies",
    ),
    ProductKind("ftp", "530 login, 550 no such file, auth fail, publickey", "RFC 959: replies"),
    ProductKind("ldap", "error code 49, acceptsecuritycontext, 52e", "RFC 4511: result codes"),
    ProductKind(
        "file", "no such file, enoent, is a directory, directory empty, file already", "POSIX: errno"
    ),
    ProductKind(
        "slack", "channel not found, not in channel, invalid auth, not authed, missing scope", "slack.com"
    ),
    ProductKind(
        "twilio", "21211, 21608, 21610, 30007, unverified number, invalid to phone", "twilio.com"
    ),
    ProductKind(
        "stripe",
        "card declined, insufficient funds, no such customer, idempotency key, payment intent",
        "stripe.com: Error codes",
    ),
    ProductKind(
        "salesforce",
        "invalid session id, malformed query, request limit exceeded, invalid field, "
        "unable to lock row, required field missing, duplicate value",
        "developer.salesforce.com: Core data types of the API",
    ),
    ProductKind(
        "openai",
        "insufficient quota, context length exceeded, maximum context length, model overloaded, "
        "incorrect api key",
        "platform.openai.com: Error codes",
    ),
    ProductKind("twitter", "error 187, status duplicate, 326", "developer.twitter.com: codes"),
    ProductKind("sheets", "unable parse range, requested entity", "developers.google.com: Sheets"),
    ProductKind("gmail", "user rate limit exceeded, delegation denied", "developers.google.com"),
    ProductKind("github", "bad credentials, secondary rate limit", "docs.github.com"),
    ProductKind("elasticsearch", "index not found exception, circuit breaking", "elastic.co"),
    ProductKind(
        "servicenow zendesk", "recordnotfound, record not found ticket", "developer.zendesk.com"
    ),
    ProductKind("jsondata", "unexpected token json, unexpected end json, invalid json", "RFC 8259"),
    ProductKind("csv", "csv conversion error, invalid csv, csv header", "RFC 4180"),
    ProductKind("xmldata", "xmlstreamexception, premature end file, malformed xml", "W3C: XML"),
    ProductKind("yaml", "mapping values allowed, scannererror", "yaml.org: YAML"),
    ProductKind("regex", "patternsyntaxexception, dangling meta", "docs.oracle.com: Pattern"),
    ProductKind("url", "malformed url, illegal character in query", "RFC 3986"),
    ProductKind("constraint", "validation failed, maxlength constraint", "ballerina/constraint"),
    ProductKind("avro", "avrotypeexception, schema mismatch avro", "avro.apache.org"),
    ProductKind("fhir", "operationoutcome, resource type not supported", "hl7.org: FHIR"),
)
