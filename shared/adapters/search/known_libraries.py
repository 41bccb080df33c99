"""Libraries of other languages, by what they are for.

An entry has words of packages, and the libraries whose own first sentence says that they are for
this: that sentence is the source of the entry, and its last part says what it is about.
"""

from shared.adapters.search.known_products import ProductKind

LIBRARIES = (
    ProductKind(
        "http",
        "requests, httpx, urllib, urllib3, okhttp, retrofit, httpclient, resttemplate, webclient, "
        "feign, unirest, superagent, node fetch, guzzle, httparty, reqwest, aiohttp, restsharp, "
        "curl, libcurl, wget, express js, expressjs, koa, fastify, nestjs, flask, django, fastapi, "
        "spring boot, spring mvc, spring web, jersey, jax rs, resteasy, dropwizard, sinatra, "
        "laravel, actix, netty, jetty, tomcat, servlet, ktor, vertx, micronaut, quarkus, asp net",
        "HTTP clients and services",
    ),
    ProductKind(
        "graphql",
        "apollo, apollo server, graphene, ariadne, gqlgen, hot chocolate, urql, graphql java",
        "GraphQL",
    ),
    ProductKind("grpc", "grpcio, grpc java, tonic, connect rpc, remote procedure call, rpc", "RPC"),
    ProductKind("websocket", "socket io, sockjs, signalr, websockets, tyrus, ws", "WebSocket"),
    ProductKind(
        "kafka",
        "kafkajs, librdkafka, sarama, aiokafka, spring kafka, kafka streams, kafka python",
        "Kafka clients",
    ),
    ProductKind(
        "rabbitmq",
        "pika, aio pika, amqplib, amqp, spring amqp, easynetq, masstransit, kombu, bunny, lapin",
        "RabbitMQ clients",
    ),
    ProductKind("nats", "jnats, jetstream, nats py, nats js", "NATS clients"),
    ProductKind("mqtt", "paho, mosquitto, hivemq, emqx, mqttnet, mqtt js", "MQTT"),
    ProductKind(
        "redis", "jedis, lettuce, ioredis, redisson, predis, hiredis, stackexchange", "Redis clients"
    ),
    ProductKind(
        "mongodb", "mongoose, pymongo, mongoid, morphia, mongoengine, mgo", "MongoDB clients"
    ),
    ProductKind("mysql", "pymysql, mysqlclient, mysql2, mysqli, connector j", "MySQL clients"),
    ProductKind(
        "postgresql", "psycopg, psycopg2, asyncpg, npgsql, pgx, pgjdbc, node postgres", "PostgreSQL"
    ),
    ProductKind("mssql", "pymssql, tedious, jtds, sqlclient", "SQL Server clients"),
    ProductKind("oracledb", "cx oracle, ojdbc, godror", "Oracle clients"),
    ProductKind("jdbc", "odbc, pyodbc, hikaricp, c3p0, dbcp, jdbi", "database connections"),
    ProductKind(
        "sql", "jdbctemplate, sqlx, knex, jooq, mybatis, dapper, ado net, pdo", "SQL in programs"
    ),
    ProductKind(
        "persist",
        "hibernate, sequelize, sqlalchemy, entity framework, typeorm, prisma, gorm, activerecord, "
        "active record, peewee, spring data, jpa, eclipselink, doctrine, eloquent, object "
        "relational, orm",
        "object-relational mapping",
    ),
    ProductKind(
        "log",
        "log4j, log4j2, logback, slf4j, winston, pino, bunyan, loguru, structlog, zap, logrus, "
        "zerolog, serilog, nlog, monolog, spdlog",
        "logging",
    ),
    ProductKind(
        "test",
        "junit, pytest, mockito, jest, mocha, testng, nunit, xunit, rspec, jasmine, vitest, sinon, "
        "chai, unittest, easymock, powermock, testify, gomock, phpunit, spock, assertj, hamcrest",
        "unit tests",
    ),
    ProductKind(
        "jsondata",
        "gson, jackson, databind, newtonsoft, json net, jsonpath, fastjson, moshi, rapidjson, "
        "orjson, simplejson, serde, serde json, nlohmann, jq, jayway, json parse, json stringify",
        "JSON",
    ),
    ProductKind(
        "xmldata",
        "jaxb, lxml, xml2js, elementtree, nokogiri, xstream, dom4j, jdom, stax, xmlbeans, "
        "simplexml, xerces, xml parser",
        "XML",
    ),
    ProductKind("xslt", "saxon, xalan, libxslt, stylesheet, xsl", "XSLT processors"),
    ProductKind(
        "csv io", "opencsv, commons csv, papaparse, univocity, csvhelper, pandas, tsv", "CSV"
    ),
    ProductKind("yaml", "snakeyaml, pyyaml, js yaml, ruamel, yamldotnet, libyaml", "YAML"),
    ProductKind("toml", "tomli, tomllib, toml4j, tomlkit, tomlj, config file", "TOML"),
    ProductKind("avro", "fastavro, avsc, avro4s", "Avro"),
    ProductKind("protobuf", "protobufjs, nanopb, prost, proto file, flatbuffers", "Protobuf"),
    ProductKind("serdes", "kryo, pickle, msgpack, messagepack, serialize, deserialize", "bytes"),
    ProductKind(
        "crypto",
        "bouncycastle, bouncy castle, pycryptodome, cryptojs, openssl, libsodium, hashlib, bcrypt, "
        "argon2, scrypt, pbkdf2, node forge, jasypt, pgp, gnupg, openpgp, hmac, sha256, sha512, "
        "md5, rsa, aes, gcm, keystore, certificate, decrypt, encrypt, hash password, checksum",
        "cryptography",
    ),
    ProductKind(
        "jwt", "jsonwebtoken, pyjwt, jose, jjwt, nimbus, jose4j, bearer token, jwks", "JWT"
    ),
    ProductKind(
        "oauth2",
        "passport, passportjs, spring security, oauthlib, omniauth, scribejava, authlib, nextauth, "
        "client credentials, refresh token, access token, authorization code",
        "OAuth 2.0",
    ),
    ProductKind("auth", "basic auth, htpasswd, file user store, role based access", "auth"),
    ProductKind(
        "cache", "caffeine, ehcache, guava cache, lru, cachetools, hazelcast, infinispan", "caches"
    ),
    ProductKind(
        "time",
        "joda, momentjs, moment js, dayjs, date fns, luxon, pendulum, dateutil, nodatime, pytz, "
        "strftime, utc, iso 8601, rfc 3339, timestamp, current date",
        "dates and times",
    ),
    ProductKind(
        "task",
        "quartz, apscheduler, celery, crontab, node cron, hangfire, sidekiq, resque, airflow, "
        "periodic, recurring job, every, hourly, daily, midnight, nightly, "
        "background job, setinterval, interval",
        "jobs at certain times",
    ),
    ProductKind("regex", "pcre, re2, preg match, pattern matching, replace all", "patterns"),
    ProductKind("io", "commons io, fs extra, bufferedreader, stdin, stdout, read file", "files"),
    ProductKind(
        "file", "watchdog, chokidar, pathlib, fsnotify, inotify, os path, shutil, directory", "files"
    ),
    ProductKind("os", "dotenv, getenv, subprocess, child process, processbuilder", "processes"),
    ProductKind(
        "email",
        "nodemailer, javamail, jakarta mail, smtplib, phpmailer, mailkit, imaplib, gomail, smtp, "
        "imap, pop3, action mailer",
        "mail",
    ),
    ProductKind(
        "ftp", "paramiko, jsch, ftplib, sshj, pysftp, sftp, ftps, filezilla, commons net", "FTP"
    ),
    ProductKind("ldap", "ldap3, ldapjs, unboundid, jndi, openldap, directory server", "LDAP"),
    ProductKind("soap", "zeep, cxf, axis2, suds, jax ws, savon, wcf, wsdl, soap ui", "SOAP"),
    ProductKind("uuid", "nanoid, ulid, shortid, rfc 4122, unique identifier", "identifiers"),
    ProductKind("random", "securerandom, math random, dice, random number", "random numbers"),
    ProductKind("url", "urlencode, url encode, percent encoding, encodeuricomponent", "URLs"),
    ProductKind(
        "mime", "multipart, formdata, form data, busboy, multer, content type, base64", "MIME"
    ),
    ProductKind(
        "constraint",
        "joi, zod, yup, ajv, bean validation, pydantic, marshmallow, cerberus, class validator, "
        "fluentvalidation, jsonschema, schema validation, validate input, validation, max length",
        "validation of values",
    ),
    ProductKind("websub", "pubsubhubbub, content delivery hub, subscriber", "W3C WebSub"),
    ProductKind("tcp", "netcat, tcp socket, serversocket, raw socket", "TCP"),
    ProductKind("udp", "datagram, dgram", "UDP"),
    ProductKind(
        "cloud", "dockerfile, helm, kubernetes deployment, jib, skaffold, deploy container", "k8s"
    ),
    ProductKind("edi", "smooks, pyx12, stedi, edi parser", "EDI"),
    ProductKind("vector", "cosine, cosine similarity, euclidean distance, dot product", "vectors"),
    ProductKind("pdfbox", "pypdf, pypdf2, pdfminer, pdfkit, reportlab, openpdf", "PDF"),
    ProductKind(
        "selenium", "puppeteer, playwright, webdriver, headless browser, cypress", "browsers"
    ),
    ProductKind("aws", "boto3, boto, aws sdk", "the AWS SDK for Python"),
    ProductKind("twitter", "tweepy, twitter4j", "the Twitter API"),
    ProductKind("salesforce", "jsforce, soql, apex, simple salesforce, sosl", "Salesforce"),
    ProductKind("github", "octokit, pygithub, pull request", "the GitHub API"),
    ProductKind("discord", "discord js, discord py", "the Discord API"),
    ProductKind("slack", "slack bolt, slackclient", "the Slack API"),
    ProductKind("excel sheets", "apache poi, openpyxl, xlsx, sheetjs, exceljs, xlsxwriter", "Excel"),
    ProductKind("prometheus", "prom client, promql, scrape metric", "Prometheus"),
    ProductKind("jballerina", "jni, java interop, call java, java class", "Ballerina and Java"),
    ProductKind("openapi", "swagger codegen, openapi generator, oas3, api definition", "OpenAPI"),
    ProductKind("value", "clone, deep copy, deep clone, clonewithtype, typecast", "lang.value"),
    ProductKind("runtime", "sleep, wait seconds, delay", "lang.runtime: sleep"),
    ProductKind("scim", "scim2, user provisioning", "RFC 7644"),
)
