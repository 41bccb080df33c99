"""Parts of error texts, and the systems that say so in their own lists of errors.

An entry has words of packages, parts of texts that only these systems write, and the list.
"""

from shared.adapters.search.vocabulary import Group

ERROR_TEXTS = (
    Group(
        "oracledb",
        "ora, tns, ora 12154, ora 00942, ora 01017, ora 00001, invalid identifier",
        "docs.oracle.com: Database Error Messages",
    ),
    Group(
        "mysql",
        "er dup entry, er access denied, 1045 28000, 1062, 2002 hy000, communications link failure",
        "dev.mysql.com: Server Error Message Reference",
    ),
    Group(
        "postgresql",
        "password authentication failed, fatal role, relation does exist, 23505, 42p01, "
        "pg hba conf, violates unique constraint",
        "postgresql.org: Error Codes",
    ),
    Group(
        "mssql", "login failed user, sa login, invalid object name, 18456", "learn.microsoft.com"
    ),
    Group("sql", "sqlstate, sqlexception, deadlock found, syntax error near", "ISO 9075"),
    Group(
        "mongodb",
        "e11000, mongoservererror, mongotimeout, mongo timeout, replicasetnoprimary, duplicate key",
        "mongodb.com: Error Codes",
    ),
    Group("redis", "wrongtype, noauth, misconf, oom command, moved slot, crossslot", "redis.io"),
    Group("snowflake", "sql compilation error, virtual warehouse suspended", "snowflake.com"),
    Group(
        "dynamodb",
        "provisioned throughput exceeded, conditional check failed, throughput exceeded, "
        "conditional request failed",
        "docs.aws.amazon.com: Error handling with DynamoDB",
    ),
    Group(
        "s3",
        "no such bucket, nosuchbucket, no such key, nosuchkey, signature does match, "
        "signaturedoesnotmatch, specified bucket, specified key",
        "docs.aws.amazon.com: S3 Error responses",
    ),
    Group(
        "sqs",
        "receipt handle, receipthandleisinvalid, visibility timeout, non existent queue, "
        "queue does exist",
        "docs.aws.amazon.com: Amazon SQS errors",
    ),
    Group("sns", "topic arn, topicarn, endpoint disabled", "docs.aws.amazon.com: SNS"),
    Group("ses", "email address is verified, address verified", "docs.aws.amazon.com: SES"),
    Group("lambda", "lambda timeout, function timed out", "docs.aws.amazon.com: Lambda"),
    Group("aws", "invalid client token, invalidclienttokenid, expired token exception", "AWS"),
    Group(
        "cosmosdb", "request rate large, 429 request rate, cosmosexception", "learn.microsoft.com"
    ),
    Group(
        "asb",
        "message lock lost, messagelocklost, session lock lost, dead letter queue",
        "learn.microsoft.com: Service Bus messaging exceptions",
    ),
    Group("eventhub", "receiver disconnected, epoch receiver", "learn.microsoft.com"),
    Group("storage", "blob not found, blobnotfound, container not found", "Azure Storage"),
    Group("keyvault", "secret not found, secretnotfound", "Azure Key Vault"),
    Group("ad", "aadsts, aadsts50011, aadsts7000215", "Microsoft Entra error codes"),
    Group(
        "kafka",
        "unknown topic partition, leader available, offset out range, consumer group rebalance, "
        "broker available, record too large, commit failed, rebalance in progress, consumer lag",
        "kafka.apache.org: Error Codes",
    ),
    Group("cregistry", "40401, 40403, 42201, subject not found", "docs.confluent.io"),
    Group(
        "rabbitmq",
        "access refused, precondition failed, channel closed, inequivalent arg, amqp connection",
        "rabbitmq.com: Channels",
    ),
    Group("nats", "responders available, no responders, stale connection", "docs.nats.io"),
    Group("ibmmq", "mqrc, 2035, mqje001, amq9, reason 2059", "ibm.com: reason codes"),
    Group("jms", "jmsexception, jndi name", "jakarta.ee: Messaging"),
    Group("mqtt", "connack, connection lost 32109", "docs.oasis-open.org: MQTT"),
    Group(
        "grpc",
        "deadline exceeded, unavailable io, resource exhausted, unimplemented method, status "
        "code 14",
        "grpc.io: Status codes",
    ),
    Group(
        "graphql", "cannot query field, introspection disabled, must have selection", "graphql.org"
    ),
    Group(
        "websocket", "1006, close code, upgrade required, handshake status", "RFC 6455: close codes"
    ),
    Group("soap", "soap fault, soap env, mustunderstand", "w3.org: SOAP"),
    Group(
        "http",
        "cors, 404, 500, 502, 503, 405, 413, 429 too many, connection refused, econnrefused, "
        "bad gateway, idle timeout, internal server error, method not allowed, preflight, "
        "connection reset, pkix path",
        "RFC 9110: HTTP Semantics",
    ),
    Group("crypto", "bad padding, badpadding, bad decrypt, unable find valid certification", "JCA"),
    Group(
        "jwt", "token expired, jwt expired, signature verification failed, invalid signature", "JWT"
    ),
    Group("oauth2", "invalid grant, invalid client", "RFC 6749, 5.2"),
    Group(
        "email",
        "535, 550, 554, 530 starttls, relay access denied, mailbox unavailable, authentication "
        "unsuccessful, username password accepted",
        "RFC 5321: SMTP replies",
    ),
    Group("ftp", "530 login, 550 no such file, auth fail, publickey", "RFC 959: replies"),
    Group("ldap", "error code 49, acceptsecuritycontext, 52e", "RFC 4511: result codes"),
    Group(
        "file",
        "no such file, enoent, is a directory, directory empty, file already",
        "POSIX: errno",
    ),
    Group(
        "slack",
        "channel not found, not in channel, invalid auth, not authed, missing scope",
        "slack.com",
    ),
    Group(
        "twilio", "21211, 21608, 21610, 30007, unverified number, invalid to phone", "twilio.com"
    ),
    Group(
        "stripe",
        "card declined, insufficient funds, no such customer, idempotency key, payment intent",
        "stripe.com: Error codes",
    ),
    Group(
        "salesforce",
        "invalid session id, malformed query, request limit exceeded, invalid field, "
        "unable to lock row, required field missing, duplicate value",
        "developer.salesforce.com: Core data types of the API",
    ),
    Group(
        "openai",
        "insufficient quota, context length exceeded, maximum context length, model overloaded, "
        "incorrect api key",
        "platform.openai.com: Error codes",
    ),
    Group("twitter", "error 187, status duplicate, 326", "developer.twitter.com: codes"),
    Group("sheets", "unable parse range, requested entity", "developers.google.com: Sheets"),
    Group("gmail", "user rate limit exceeded, delegation denied", "developers.google.com"),
    Group("github", "bad credentials, secondary rate limit", "docs.github.com"),
    Group("elasticsearch", "index not found exception, circuit breaking", "elastic.co"),
    Group("servicenow zendesk", "recordnotfound, record not found ticket", "developer.zendesk.com"),
    Group("jsondata", "unexpected token json, unexpected end json, invalid json", "RFC 8259"),
    Group("csv", "csv conversion error, invalid csv, csv header", "RFC 4180"),
    Group("xmldata", "xmlstreamexception, premature end file, malformed xml", "W3C: XML"),
    Group("yaml", "mapping values allowed, scannererror", "yaml.org: YAML"),
    Group("regex", "patternsyntaxexception, dangling meta", "docs.oracle.com: Pattern"),
    Group("url", "malformed url, illegal character in query", "RFC 3986"),
    Group("constraint", "validation failed, maxlength constraint", "ballerina/constraint"),
    Group("avro", "avrotypeexception, schema mismatch avro", "avro.apache.org"),
    Group("fhir", "operationoutcome, resource type not supported", "hl7.org: FHIR"),
    Group("mysql", "too many connections, lock wait timeout, unknown column", "dev.mysql.com"),
    Group(
        "postgresql",
        "too many clients, permission denied table, permission denied relation",
        "postgresql.org",
    ),
    Group(
        "http",
        "econnreset, etimedout, socket hang up, sslhandshakeexception, ssl handshake, self signed "
        "certificate, certificate expired, unknown host",
        "RFC 9110, RFC 8446",
    ),
    Group("s3 aws", "invalidaccesskeyid, invalid access key id", "docs.aws.amazon.com"),
    Group("aws", "throttlingexception, throttling exception", "docs.aws.amazon.com"),
    Group(
        "salesforce",
        "insufficient access, invalid login, entity is deleted",
        "developer.salesforce.com",
    ),
    Group("oauth2", "unauthorized client, unsupported grant type", "RFC 6749, 5.2"),
    Group("jsondata", "json parse exception, json conversion", "RFC 8259"),
    Group("xmldata", "saxparse, sax parse exception", "W3C: XML"),
    Group(
        "mysql",
        "access denied user root, access denied for user, using password yes, using password no, "
        "cannot connect mysql, server has gone away, unknown database, duplicate entry, port 3306",
        "dev.mysql.com: Server Error Message Reference",
    ),
    Group(
        "postgresql",
        "role does exist, database does exist, server closed the connection unexpectedly, "
        "no pg hba, port 5432, psqlexception, remaining connection slot",
        "postgresql.org: Error Codes",
    ),
    Group("mssql", "sqlserverexception, login failed for user sa, port 1433, error 4060", "MSSQL"),
    Group(
        "oracledb",
        "listener does currently know, port 1521, table or view does exist, ora 12541",
        "docs.oracle.com: Database Error Messages",
    ),
    Group("jdbc", "no suitable driver, driver class not found, hikaripool", "java.sql"),
    Group(
        "mongodb",
        "authentication failed mongo, no primary, port 27017, topology destroyed, bad auth",
        "mongodb.com: Error Codes",
    ),
    Group("redis", "port 6379, readonly replica, clusterdown, max number of clients", "redis.io"),
    Group(
        "kafka",
        "present in metadata, in metadata after, group coordinator, disconnected "
        "bootstrap, bootstrap broker, port 9092, offset commit, poll interval, "
        "serialization exception topic",
        "kafka.apache.org: Error Codes",
    ),
    Group(
        "rabbitmq",
        "connection reset amqp, port 5672, no queue, no exchange, login refused, plain login "
        "refused, 406 precondition, 404 queue, 403 access refused, unacked message",
        "rabbitmq.com: Channels",
    ),
    Group("nats", "port 4222, nats timeout, maximum payload violation", "docs.nats.io"),
    Group(
        "mqtt", "port 1883, 32103, unacceptable protocol version, bad user name or password", "MQTT"
    ),
    Group(
        "elasticsearch",
        "port 9200, mapper_parsing_exception",
        "elastic.co",
    ),
    Group("ibmmq", "mqrc_not_authorized, mqrc_host_not_available, 2538, 2085, amq4036", "ibm.com"),
    Group(
        "email",
        "smtp authentication, smtpauthenticationerror, 5 7 8 username, 535 5 7 8, 421 too many, "
        "mail server refused, connect smtp host, port 587, port 465, starttls",
        "RFC 5321: SMTP replies",
    ),
    Group("ldap", "port 389, invalid dn, ldap bind failed, error code 32", "RFC 4511"),
    Group("ftp", "425 cannot open data connection, port 22, host key verification", "RFC 959"),
    Group("ad", "aadsts50011 redirect, aadsts65001, aadsts90002, reply url does match", "Entra ID"),
    Group("oauth2", "redirect uri mismatch, invalid scope, token has been revoked", "RFC 6749"),
    Group("jwt", "jwt malformed, alg none, invalid kid, unable find signing key", "RFC 7519"),
    Group(
        "grpc", "rst_stream, transport is closing, method not found grpc, code unavailable", "gRPC"
    ),
    Group(
        "graphql",
        "query on type, cannot return null for non nullable, variable got invalid",
        "GraphQL",
    ),
    Group("jsondata", "unexpected character json, json parse error, trailing comma", "RFC 8259"),
    Group(
        "xmldata", "content is not allowed in prolog, unclosed tag, entity not terminated", "XML"
    ),
    Group("yaml", "found character that cannot start, duplicate key yaml, bad indentation", "YAML"),
    Group("s3", "request time too skewed, accessdenied bucket, bucket already exists", "AWS S3"),
    Group("lambda", "task timed out, runtime exited", "docs.aws.amazon.com: Lambda"),
    Group(
        "slack",
        "account_inactive, ratelimited slack",
        "slack.com",
    ),
    Group("twilio", "error 20003, error 21608, twilio 429, number is unverified", "twilio.com"),
    Group(
        "stripe",
        "resource_missing, invalid_request_error",
        "stripe.com",
    ),
    Group(
        "salesforce",
        "invalid_grant salesforce",
        "Salesforce",
    ),
    Group(
        "sheets",
        "requested entity was not found",
        "Google Sheets",
    ),
    Group(
        "jco", "rfc_error_logon_failure, rfc_error, jco exception, communication failure sap", "SAP"
    ),
    Group("zoom", "3001 meeting, meeting does exist", "developers.zoom.us"),
)
