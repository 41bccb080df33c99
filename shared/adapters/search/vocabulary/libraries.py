"""Libraries of other languages, by what they are for.

An entry has words of packages, and the libraries whose own first sentence says that they are for
this: that sentence is the source of the entry, and its last part says what it is about.
"""

from shared.adapters.search.vocabulary import Group

LIBRARIES = (
    Group(
        "http",
        "requests, httpx, urllib, urllib3, okhttp, retrofit, httpclient, resttemplate, webclient, "
        "feign, unirest, superagent, node fetch, guzzle, httparty, reqwest, aiohttp, restsharp, "
        "curl, libcurl, wget, express js, expressjs, koa, fastify, nestjs, flask, django, fastapi, "
        "spring boot, spring mvc, spring web, jersey, jax rs, resteasy, dropwizard, sinatra, "
        "laravel, actix, netty, jetty, tomcat, servlet, ktor, vertx, micronaut, quarkus, asp net",
        "HTTP clients and services",
    ),
    Group(
        "graphql",
        "apollo, apollo server, graphene, ariadne, gqlgen, hot chocolate, urql, graphql java",
        "GraphQL",
    ),
    Group("grpc", "grpcio, grpc java, tonic, connect rpc, remote procedure call, rpc", "RPC"),
    Group("websocket", "socket io, sockjs, signalr, tyrus, ws", "WebSocket"),
    Group(
        "kafka",
        "kafkajs, librdkafka, sarama, aiokafka, spring kafka, kafka streams, kafka python",
        "Kafka clients",
    ),
    Group(
        "rabbitmq",
        "pika, aio pika, amqplib, amqp, spring amqp, easynetq, masstransit, kombu, bunny, lapin",
        "RabbitMQ clients",
    ),
    Group("nats", "jnats, jetstream, nats py, nats js", "NATS clients"),
    Group("mqtt", "paho, mosquitto, hivemq, emqx, mqttnet, mqtt js", "MQTT"),
    Group(
        "redis",
        "jedis, lettuce, ioredis, redisson, predis, hiredis, stackexchange",
        "Redis clients",
    ),
    Group("mongodb", "mongoose, pymongo, mongoid, morphia, mongoengine, mgo", "MongoDB clients"),
    Group("mysql", "pymysql, mysqlclient, mysql2, mysqli, connector j", "MySQL clients"),
    Group(
        "postgresql", "psycopg, psycopg2, asyncpg, npgsql, pgx, pgjdbc, node postgres", "PostgreSQL"
    ),
    Group("mssql", "pymssql, tedious, jtds, sqlclient", "SQL Server clients"),
    Group("oracledb", "cx oracle, ojdbc, godror", "Oracle clients"),
    Group("jdbc", "odbc, pyodbc, hikaricp, c3p0, dbcp, jdbi", "database connections"),
    Group(
        "sql", "jdbctemplate, sqlx, knex, jooq, mybatis, dapper, ado net, pdo", "SQL in programs"
    ),
    Group(
        "persist",
        "hibernate, sequelize, sqlalchemy, entity framework, typeorm, prisma, gorm, "
        "activerecord, active record, peewee, spring data, jpa, eclipselink, doctrine, "
        "eloquent, object relational",
        "object-relational mapping",
    ),
    Group(
        "log",
        "log4j, log4j2, logback, slf4j, winston, pino, bunyan, loguru, structlog, zap, logrus, "
        "zerolog, serilog, nlog, monolog, spdlog",
        "logging",
    ),
    Group(
        "test",
        "junit, pytest, jest, mocha, testng, nunit, xunit, rspec, jasmine, vitest, sinon, "
        "chai, unittest, easymock, powermock, testify, gomock, phpunit, spock, assertj, "
        "hamcrest",
        "unit tests",
    ),
    Group(
        "jsondata",
        "databind, newtonsoft, json net, jsonpath, fastjson, moshi, rapidjson, orjson, "
        "simplejson, serde, serde json, nlohmann, jq, jayway, json parse, json stringify",
        "JSON",
    ),
    Group(
        "xmldata",
        "lxml, xml2js, elementtree, nokogiri, xstream, dom4j, jdom, stax, xmlbeans, "
        "simplexml, xerces, xml parser",
        "XML",
    ),
    Group("xslt", "saxon, xalan, libxslt, stylesheet, xsl", "XSLT processors"),
    Group("csv io", "opencsv, commons csv, papaparse, univocity, csvhelper, pandas, tsv", "CSV"),
    Group("yaml", "snakeyaml, pyyaml, js yaml, ruamel, yamldotnet, libyaml", "YAML"),
    Group("toml", "tomli, tomllib, toml4j, tomlkit, tomlj, config file", "TOML"),
    Group("avro", "fastavro, avsc, avro4s", "Avro"),
    Group("protobuf", "protobufjs, nanopb, prost, proto file, flatbuffers", "Protobuf"),
    Group(
        "serdes",
        "kryo, pickle, msgpack, messagepack, deserialize",
        "bytes",
    ),
    Group(
        "crypto",
        "bouncycastle, bouncy castle, pycryptodome, cryptojs, openssl, libsodium, hashlib, bcrypt, "
        "argon2, scrypt, pbkdf2, node forge, jasypt, pgp, gnupg, openpgp, hmac, sha256, sha512, "
        "md5, rsa, aes, gcm, keystore, certificate, decrypt, encrypt, hash password, checksum",
        "cryptography",
    ),
    Group("jwt", "jsonwebtoken, pyjwt, jose, jjwt, nimbus, jose4j, bearer token, jwks", "JWT"),
    Group(
        "oauth2",
        "passport, passportjs, spring security, oauthlib, omniauth, scribejava, authlib, nextauth, "
        "client credentials, refresh token, access token, authorization code",
        "OAuth 2.0",
    ),
    Group("auth", "basic auth, htpasswd, file user store, role based access", "auth"),
    Group(
        "cache", "caffeine, ehcache, guava cache, lru, cachetools, hazelcast, infinispan", "caches"
    ),
    Group(
        "time",
        "joda, momentjs, moment js, dayjs, date fns, luxon, pendulum, dateutil, nodatime, pytz, "
        "strftime, utc, timestamp, current date",
        "dates and times",
    ),
    Group(
        "task",
        "quartz, apscheduler, celery, crontab, node cron, hangfire, sidekiq, resque, airflow, "
        "periodic, recurring job, every, hourly, daily, midnight, nightly, "
        "background job, setinterval, interval",
        "jobs at certain times",
    ),
    Group("regex", "pcre, re2, preg match, pattern matching, replace all", "patterns"),
    Group("io", "commons io, fs extra, bufferedreader, stdin, stdout, read file", "files"),
    Group(
        "file",
        "watchdog, chokidar, pathlib, fsnotify, inotify, os path, shutil, directory",
        "files",
    ),
    Group("os", "dotenv, getenv, subprocess, child process, processbuilder", "processes"),
    Group(
        "email",
        "nodemailer, javamail, jakarta mail, smtplib, phpmailer, mailkit, imaplib, gomail, smtp, "
        "imap, pop3, action mailer",
        "mail",
    ),
    Group("ftp", "paramiko, jsch, ftplib, sshj, pysftp, sftp, ftps, filezilla, commons net", "FTP"),
    Group("ldap", "ldap3, ldapjs, unboundid, jndi, openldap, directory server", "LDAP"),
    Group(
        "soap",
        "zeep, cxf, axis2, suds, jax ws, savon, wcf, soap ui",
        "SOAP",
    ),
    Group("uuid", "nanoid, ulid, shortid, rfc 4122, unique identifier", "identifiers"),
    Group("random", "securerandom, math random, dice, random number", "random numbers"),
    Group("url", "urlencode, url encode, percent encoding, encodeuricomponent", "URLs"),
    Group("mime", "multipart, formdata, form data, busboy, multer, content type, base64", "MIME"),
    Group(
        "constraint",
        "joi, zod, yup, ajv, bean validation, pydantic, marshmallow, cerberus, class validator, "
        "fluentvalidation, jsonschema, schema validation, validation, max length",
        "validation of values",
    ),
    Group("websub", "pubsubhubbub, content delivery hub", "W3C WebSub"),
    Group("tcp", "netcat, tcp socket, serversocket, raw socket", "TCP"),
    Group("udp", "datagram, dgram", "UDP"),
    Group(
        "cloud", "dockerfile, helm, kubernetes deployment, jib, skaffold, deploy container", "k8s"
    ),
    Group("edi", "smooks, pyx12, stedi, edi parser", "EDI"),
    Group("vector", "cosine, cosine similarity, euclidean distance, dot product", "vectors"),
    Group("pdfbox", "pypdf, pypdf2, pdfminer, pdfkit, reportlab, openpdf", "PDF"),
    Group("selenium", "puppeteer, playwright, webdriver, headless browser, cypress", "browsers"),
    Group("aws", "boto3, boto, aws sdk", "the AWS SDK for Python"),
    Group("twitter", "tweepy, twitter4j", "the Twitter API"),
    Group("salesforce", "jsforce, soql, apex, simple salesforce, sosl", "Salesforce"),
    Group("github", "octokit, pygithub", "the GitHub API"),
    Group("discord", "discord js, discord py", "the Discord API"),
    Group("slack", "slack bolt, slackclient", "the Slack API"),
    Group("excel sheets", "apache poi, openpyxl, xlsx, sheetjs, exceljs, xlsxwriter", "Excel"),
    Group("prometheus", "prom client, promql, scrape metric", "Prometheus"),
    Group("jballerina", "jni, java interop, call java, java class", "Ballerina and Java"),
    Group("openapi", "swagger codegen, openapi generator, oas3, api definition", "OpenAPI"),
    Group(
        "value",
        "clone, deep copy, deep clone, clone with type, typecast, ensure type",
        "lang.value",
    ),
    Group("runtime", "sleep, wait seconds, delay", "lang.runtime: sleep"),
    Group("scim", "scim2, user provisioning", "RFC 7644"),
    Group("vector", "numpy, scipy, linear algebra", "numpy.org"),
    Group("webscraping", "beautifulsoup, cheerio, html scraping", "crummy.com: Beautiful Soup"),
    Group("http", "resilience4j, hystrix, spring cloud gateway", "resilience4j.readme.io"),
    Group("test http", "wiremock, rest assured, supertest", "wiremock.org"),
    Group("test", "testcontainers, karma runner", "testcontainers.com"),
    Group("ftp", "ssh2, scp", "RFC 4253: SSH"),
    Group("postgresql", "libpq, psql", "postgresql.org"),
    Group("xmldata", "xmltodict, sax parser, dom parser", "W3C: DOM"),
    Group("task", "spring batch, timer task, bullmq", "spring.io: Spring Batch"),
    Group(
        "http",
        "gin gonic, gorilla mux, echo labstack, gofiber, go chi, fasthttp, resty, rocket rs, axum, "
        "hyper rs, warp, phoenix, rails api, cakephp, symfony, slim framework, hapi js, restify, "
        "undici, ky, got js, httpie, postman, volley, alamofire, httpurlconnection, refit, "
        "minimal api, kestrel, tornado, bottle, starlette, uvicorn, gunicorn, werkzeug, cowboy",
        "HTTP clients and services",
    ),
    Group("websocket", "gorilla websocket, nhooyr, websockets python, uwebsockets", "WebSocket"),
    Group("kafka", "confluent kafka, segmentio, franz go, rdkafka, faust, kafdrop", "Kafka"),
    Group(
        "rabbitmq",
        "streadway, amqp091, rascal, spring rabbit, celery broker",
        "AMQP",
    ),
    Group("mysql", "go sql driver, mysql connector, mysqldb, aiomysql, mariadb client", "MySQL"),
    Group("postgresql", "lib pq, pg promise, postgres js, diesel, slonik", "PostgreSQL"),
    Group("mssql", "pytds, go mssqldb, microsoft data sqlclient, tds protocol", "SQL Server"),
    Group("mongodb", "mongo driver, motor, spring data mongo, mongosh", "MongoDB"),
    Group(
        "redis", "go redis, redis py, redigo, node redis, spring data redis, bull queue", "Redis"
    ),
    Group(
        "cache",
        "lru cache, node cache, functools cache",
        "cache",
    ),
    Group("elasticsearch", "elasticsearch py, elastic4s, nest elasticsearch", "elastic.co"),
    Group(
        "task",
        "node schedule, cron js, robfig cron, rq",
        "jobs",
    ),
    Group(
        "time",
        "arrow python, chrono rust, noda time, temporal",
        "times",
    ),
    Group("log", "glog, slog, klog, env logger, apex log, log4net, npmlog", "logging"),
    Group("crypto", "ring rust, rustcrypto, javax crypto, tink, gpg, pyca, webcrypto", "crypto"),
    Group("jwt", "golang jwt, java jwt, firebase jwt, python jose, jwt decode", "jwt.io"),
    Group(
        "oauth2", "golang oauth2, spring oauth, simple oauth2, appauth, pac4j, oidc client", "OAuth"
    ),
    Group("ldap", "go ldap, ldaptive, spring ldap, passport ldap", "LDAP"),
    Group("csv io", "encoding csv, csv parse, fast csv, super csv, fastcsv, csvkit", "CSV"),
    Group("yaml", "go yaml, serde yaml, yamlbeans, psych", "yaml.org"),
    Group("toml", "burntsushi, toml rs, pytoml", "toml.io"),
    Group("xmldata", "etree, quick xml, xmlbuilder, fast xml parser, xmlstarlet", "XML"),
    Group("jsondata", "json iter, easyjson, gjson, json smart, system text json", "JSON"),
    Group("protobuf grpc", "grpc web, grpc gateway, buf build, protoc gen, twirp", "grpc.io"),
    Group(
        "graphql", "graphql yoga, juniper, absinthe, strawberry, relay, dgs framework", "GraphQL"
    ),
    Group(
        "email", "lettre, sendmail, swiftmailer, symfony mailer, mail gem, simple java mail", "mail"
    ),
    Group("ftp", "basic ftp, ssh net, pkg sftp, curl ftp, winscp, apache vfs", "FTP"),
    Group("persist", "exposed kotlin, diesel orm, drizzle, mikro orm, ebean, tortoise orm", "ORM"),
    Group("uuid", "google uuid, java util uuid, uuidv4, uuidv7, guid newguid", "RFC 9562"),
    Group(
        "random", "numpy random, lodash random, die roll, roll dice, coin flip, lottery", "chance"
    ),
    Group("regexp", "re module, java util regex, xregexp, oniguruma", "regular expressions"),
    Group(
        "constraint", "valibot, superstruct, validator js, express validator, voluptuous", "value"
    ),
    Group("stripe", "stripe java, stripe node, dj stripe, laravel cashier", "stripe.com"),
    Group("twilio", "twilio python, twilio node", "twilio.com"),
    Group("sendgrid", "sendgrid python, sendgrid java", "sendgrid.com"),
    Group("shopify", "shopify api, shopify python", "shopify.dev"),
    Group("hubspot", "hubspot api client", "developers.hubspot.com"),
    Group(
        "openai", "openai python, langchain4j, llama index, semantic kernel, litellm", "openai.com"
    ),
    Group("s3", "boto s3, aws sdk s3, s3cmd, s3fs", "aws.amazon.com/s3"),
    Group("googleapis", "google api client, google api python", "developers.google.com"),
    Group("fhir", "hapi fhir, fhirclient, fhir kit, firely", "hl7.org/fhir"),
    Group("hl7v2", "hapi hl7, hl7apy, nhapi, mirth connect", "hl7.org"),
    Group("soap", "spring ws, gsoap, php soapclient, node soap", "SOAP"),
    Group("test", "minitest, cucumber, tap js, robot framework, quickcheck, approvals", "tests"),
    Group("observe", "micrometer tracing, dropwizard metrics, statsd", "observability"),
    Group("pinecone weaviate", "faiss, annoy, hnswlib, vespa", "vectors"),
)
