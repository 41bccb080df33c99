"""Standards by their numbers and full names, and the words of packages that implement them.

The source of an entry is the standard, which its last part names.
"""

from shared.adapters.search.vocabulary import Group

STANDARDS = (
    # The Internet.
    Group(
        "http",
        "rfc 9110, rfc 9112, rfc 9113, rfc 2616, rfc 7230, rfc 7231, rfc 7540, rfc 7807, rfc 9457, "
        "http2, http 2, http3, server sent event, sse, chunked, etag, hateoas, restful, rest "
        "client, rest endpoint, mutual tls, mtls, secure socket, load balancer, circuit breaker, "
        "retry, failover, interceptor, rate limit, proxy server, redirect, cookie",
        "RFC 9110 and its neighbors: HTTP",
    ),
    Group("websocket", "rfc 6455, wss, full duplex, web socket", "RFC 6455: WebSocket"),
    Group(
        "jwt", "rfc 7519, rfc 7515, rfc 7517, jws, jwk, sign token, issue token", "RFC 7519: JWT"
    ),
    Group(
        "oauth2",
        "rfc 6749, rfc 7662, rfc 7523, token introspection, password grant, pkce, openid connect, "
        "oidc",
        "RFC 6749: OAuth 2.0",
    ),
    Group("auth", "rfc 7617, ldap user store, username and password", "RFC 7617: Basic"),
    Group("scim", "rfc 7643, rfc 7644, cross domain identity", "RFC 7644: SCIM"),
    Group("csv", "rfc 4180", "RFC 4180: CSV"),
    Group("jsondata", "rfc 8259, rfc 6901, rfc 7159, json pointer, json path", "JSON"),
    Group("email", "rfc 5321, rfc 5322, rfc 3501, rfc 1939, smtps, mailbox, attachment", "mail"),
    Group("ftp", "rfc 959, ssh file transfer, file transfer, secure file transfer", "FTP"),
    Group("ldap", "rfc 4511, distinguished name", "RFC 4511: LDAP"),
    Group("url", "rfc 3986, rfc 1738, uri encode, query string encode", "RFC 3986: URI"),
    Group("mime", "rfc 2045, rfc 2046, rfc 7578, media type, mime part", "RFC 2045: MIME"),
    Group("uuid", "rfc 9562, guid v4, type 4 uuid, uuid v4", "RFC 9562: UUID"),
    Group("time", "rfc 3339, rfc 5322 date, iso 8601, epoch, unix time, duration", "ISO 8601"),
    Group("tcp", "rfc 793, rfc 9293, socket server, tcp listener", "RFC 9293: TCP"),
    Group("udp", "rfc 768, multicast, broadcast packet", "RFC 768: UDP"),
    Group("calendar", "rfc 5545, icalendar, ics, caldav", "RFC 5545: iCalendar"),
    Group("people contacts", "vcard, carddav", "RFC 6350: vCard"),
    Group("log", "rfc 5424, syslog, structured logging, log level, log rotation", "syslog"),
    Group(
        "crypto",
        "rfc 8017, rfc 2104, pkcs12, pkcs, x509, x 509, pem, sha 256, sha 512, aes 256, ecdsa, "
        "ecdh, ed25519, hybrid encryption, kyber, ml kem, post quantum, public key, private key, "
        "hash a file, hashing, encrypt file, digest",
        "NIST FIPS 180, 186 and 197",
    ),
    Group("websub websubhub", "web sub, hub subscription", "W3C: WebSub"),
    Group("soap", "soap 1.1, soap 1.2, ws security, ws addressing", "W3C: SOAP"),
    Group("xslt", "xslt 2, xsl transformation, transform xml", "W3C: XSLT"),
    Group("xmldata", "xpath, xml schema, xsd, xml namespace, xml to record, xml", "W3C: XML"),
    Group("graphql", "graphql subscription, graphql schema, federation, sdl", "graphql.org"),
    Group("grpc", "rpc stub, bidirectional streaming, protobuf service", "grpc.io"),
    Group("openapi", "openapi 3, oas 3, api first", "openapis.org"),
    Group("asyncapi", "async api, event driven api", "asyncapi.com"),
    Group("mqtt", "mqtt 5, mqtt 3.1.1, iot messaging", "OASIS: MQTT"),
    Group("rabbitmq", "amqp 0.9.1, exchange binding", "rabbitmq.com: AMQP"),
    Group("jms", "jms 2, java message service, jakarta messaging", "Jakarta Messaging"),
    Group("jdbc", "jdbc driver, database driver, connection pool", "JDBC"),
    Group("avro", "avro schema, avro serialization", "avro.apache.org"),
    Group("protobuf", "proto3, protocol buffers 3, google protobuf any", "protobuf.dev"),
    Group("yaml", "yaml 1.2, yaml file", "yaml.org"),
    Group("toml", "toml 1.0, toml file", "toml.io"),
    Group("opentelemetry", "otlp, open telemetry", "opentelemetry.io"),
    Group("prometheus", "openmetrics, metrics endpoint", "openmetrics.io"),
    Group("ocpi", "ev charging, electric vehicle, charging station, charge point", "OCPI"),
    # Health and trade.
    Group("fhir r4", "hl7 fhir, fhir resource, fhir r4 model", "hl7.org: FHIR R4"),
    Group("international401", "fhir 4 0 1, international patient, patient resource", "FHIR"),
    Group("uscore610 uscore700 uscore501 uscore400 uscore311", "us core, argonaut", "HL7: US Core"),
    Group("aubase410 aubase421 aucore040", "au base, au core, australian fhir", "HL7 AU"),
    Group("lkcore010", "lk core, sri lanka fhir, sri lankan", "HL7 Sri Lanka"),
    Group("carinbb200", "carin, blue button, carin bb", "HL7: CARIN Blue Button"),
    Group("davincihrex100", "hrex, health record exchange", "HL7: Da Vinci HRex"),
    Group("davincipas", "prior authorization, da vinci pas", "HL7: Da Vinci PAS"),
    Group("davincihrex100 davincipas", "da vinci", "HL7: Da Vinci"),
    Group("cds", "cds hooks, clinical decision support", "cds-hooks.org"),
    Group("terminology", "snomed, loinc, icd 10, valueset, code system", "HL7: terminology"),
    Group("fhirpath", "fhir path", "HL7: FHIRPath"),
    Group("parser", "parse fhir, fhir bundle parse", "HL7: FHIR R4"),
    Group("validator", "validate fhir, fhir validation", "HL7: FHIR R4"),
    Group("v2tofhirr4", "v2 to fhir, hl7v2 to fhir, hl7 to fhir", "HL7: V2-to-FHIR"),
    Group("ccdatofhir", "ccda to fhir, c cda to fhir", "HL7: C-CDA on FHIR"),
    Group("clients", "fhir client, fhir server client, fhir connector", "HL7: FHIR R4"),
    Group("hl7v2", "hl7 v2, hl7v2 parser, er7, oru, orm message", "HL7 v2"),
    Group("hl7v23", "hl7 2.3, hl7 v2.3", "HL7 v2.3"),
    Group("hl7v24", "hl7 2.4, hl7 v2.4", "HL7 v2.4"),
    Group("hl7v25", "hl7 2.5, hl7 v2.5", "HL7 v2.5"),
    Group("hl7v28", "hl7 2.8, hl7 v2.8", "HL7 v2.8"),
    Group("edi", "ansi x12, x12 850, edi schema, edi segment", "ASC X12"),
    Group("d03a", "un edifact, edifact orders, edifact invoic, invoic, desadv", "UN/EDIFACT"),
    Group("as2", "applicability statement, mft, managed file transfer", "RFC 4130: AS2"),
    Group("copybook", "cobol copybook, fixed width record", "IBM: COBOL"),
)
