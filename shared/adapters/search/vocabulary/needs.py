"""Needs in people's own words, by the packages that meet them.

The source of an entry is the site or the documentation of what it leads to, which its last part
names.
"""

from shared.adapters.search.vocabulary import Group

NEEDS = (
    # The language and its standard library.
    Group(
        "string",
        "uppercase, lowercase, upper case, lower case, trim, trim whitespace, substring, reverse "
        "string, join string, concatenate string, starts with, string contain, string length",
        "ballerina/lang.string",
    ),
    Group(
        "array",
        "sort array, reverse array, slice array, array contain, reduce array, push element, "
        "remove element, array length, index of, flatten array",
        "ballerina/lang.array",
    ),
    Group("map", "key value pair, map key, iterate map, hash map, hashmap", "lang.map"),
    Group("int", "parse int, string to int, hex string, integer absolute", "lang.int"),
    Group(
        "float",
        "square root, sqrt, sine, cosine of angle, logarithm, floating point, round number",
        "ballerina/lang.float",
    ),
    Group("decimal", "decimal precision, exact decimal, rounding decimal", "lang.decimal"),
    Group("error", "stack trace, stacktrace, error cause, error detail", "lang.error"),
    Group("stream", "lazy sequence, iterate stream, stream iterator", "lang.stream"),
    Group("table", "primary key table, in memory table, keyed table", "lang.table"),
    Group("runtime", "graceful shutdown, graceful stop, stop handler, pause", "lang.runtime"),
    Group("regexp", "find all match, regexp group, capture group, regex replace", "regexp"),
    Group("xml", "xml element, xml children, xml attribute, xml text node", "lang.xml"),
    Group("value", "merge json, json merge, from json with type, to json", "lang.value"),
    Group(
        "cache",
        "keep in memory, remember result, time to live, ttl, eviction, local cache, least "
        "recently used, expire after",
        "ballerina/cache",
    ),
    Group(
        "crypto",
        "salt, salted hash, encrypt password, encrypt file, symmetric key, asymmetric, private "
        "key, rsa key pair, message digest, crc32, hash of file, sign data, verify signature",
        "ballerina/crypto",
    ),
    Group("jwt", "decode token, validate token, jwt claim, signed access token, id token", "jwt"),
    Group(
        "time", "day of week, add days, format date, parse date, days between, leap year", "time"
    ),
    Group(
        "task", "cron expression, repeat job, run at midnight, trigger job, every minute", "task"
    ),
    Group("os", "username of os, set environment, spawn process, external program", "ballerina/os"),
    Group("file", "local folder, temporary file, file exist, list directory, delete file", "file"),
    Group("io", "write csv, write json file, read json file, read xml file, write to disk", "io"),
    Group("url", "escape url, decode url, url decode, query parameter encode", "ballerina/url"),
    Group("mime", "parse multipart, body part, content disposition, base64 encode file", "mime"),
    Group("log", "log error, debug log, log message, structured log, application log", "log"),
    Group("observe", "custom span, application metric, instrument code", "ballerina/observe"),
    Group(
        "http",
        "web framework, http server, web server, express framework, rest service, api "
        "gateway, reverse proxy, request header, response header, json payload, "
        "getjsonpayload, path parameter, upload form",
        "ballerina/http",
    ),
    Group("websocket", "real time browser, live update, bidirectional message, push browser", "ws"),
    Group("websub", "hub challenge, hub topic, hub callback, subscriber callback", "W3C: WebSub"),
    Group("grpc", "protocol buffer service, microservice rpc, server streaming", "grpc.io"),
    Group("graphql", "query field, query type, graphql resolver, schema stitching", "graphql.org"),
    Group(
        "persist",
        "object database table, orm layer, type safe database, data store model, without sql",
        "ballerina/persist",
    ),
    Group(
        "constraint",
        "validate input, validate email format, check length, allowed range",
        "ballerina/constraint",
    ),
    Group("vector", "compare embeddings, compare vectors, manhattan distance", "math.vector"),
    Group("cloud", "deploy kubernetes, deploy to cluster, container deployment", "ballerina/cloud"),
    Group("java", "java library, java interoperability, java object", "java interop"),
    Group("test", "unit test, run tests, assert equal, mocking, stub function", "ballerina/test"),
    Group(
        "selenium", "automate browser, click button, browser automation, web ui test", "selenium"
    ),
    Group("pdfbox", "text from pdf, pdf text, parse pdf, read pdf", "pdfbox.apache.org"),
    Group("api2pdf pdfbroker", "generate pdf, create pdf, convert to pdf, merge pdf", "PDF"),
    # Databases, queues and logs.
    Group("h2", "embedded test database, in memory sql, h2 database", "h2database.com"),
    Group("dynamodbstreams", "dynamodb change, dynamodb stream, dynamodb cdc", "DynamoDB Streams"),
    Group("simpledb", "amazon simpledb", "aws.amazon.com: SimpleDB"),
    Group("elasticsearch", "search engine, full text index, log search", "elastic.co"),
    Group(
        "kafka",
        "topic partition, unknown topic, consumer group, event log, bootstrap server",
        "kafka.apache.org",
    ),
    Group(
        "kafka rabbitmq nats", "message broker, publish subscribe broker, event broker", "brokers"
    ),
    Group("postgresql", "postgres, pg", "postgresql.org"),
    Group("ibmmq", "mq message, mq queue, mqrc not authorized", "ibm.com: MQ"),
    Group("jco", "rfc error, rfc error logon failure, sap logon, jco destination", "SAP JCo"),
    Group("clouddatastore", "google datastore, firestore in datastore mode", "cloud.google.com"),
    Group(
        "cloudscheduler", "gcs scheduler, google cron, google cloud scheduler", "cloud.google.com"
    ),
    Group("cloudpubsub", "google pubsub, gcp pubsub, google pub sub", "cloud.google.com: Pub/Sub"),
    Group("sheets", "gspread, google spreadsheet, spreadsheet row, worksheet row", "Google Sheets"),
    Group("slides", "presentation, google presentation, powerpoint, slide deck", "Google Slides"),
    Group("vault", "ediscovery, legal hold, data retention", "Google Vault"),
    Group("vision", "photo, label image, detect label, face detection, object detection", "Vision"),
    Group("cloudtranslation", "translation, machine translation, language detection", "translate"),
    Group("books", "book search, book volume, bookshelf", "developers.google.com: Books"),
    Group("calendar", "calendar event, free busy, meeting invite", "developers.google.com"),
    Group("people", "google account contact, contact group", "developers.google.com: People"),
    Group("datatransfer", "scheduled data transfer, transfer to bigquery", "cloud.google.com"),
    Group("manufacturercenter", "product catalog google, manufacturer product", "Google"),
    Group("cloudfilestore", "managed nfs, nfs share", "cloud.google.com: Filestore"),
    # Azure and AWS.
    Group("eventhub", "event hub, azure event hub, azure event stream", "azure.microsoft.com"),
    Group("asb", "azure service bus, servicebus, azure queue topic", "azure.microsoft.com"),
    Group("analysisservices", "olap, tabular model, semantic model", "azure.microsoft.com"),
    Group("timeseries", "time series insight, tsi", "azure.microsoft.com: Time Series Insights"),
    Group("anomalydetector anomalydetection", "anomaly detection, detect spike", "anomalies"),
    Group(
        "keyvault onepassword", "keep secret, secret storage, store credential, secret", "secrets"
    ),
    Group("iothub iotcentral", "internet of thing, device telemetry, device twin", "IoT"),
    Group("textanalytics", "key phrase, language of text, opinion mining", "Azure Text Analytics"),
    Group("finetunes", "fine tune, train model, custom model, fine tuning", "openai.com"),
    Group(
        "agent", "langchain, ai agent, llamaindex, autogen, tool calling, agentic", "ballerinax/ai"
    ),
    Group("assistants", "openai assistant, assistant thread", "openai.com: Assistants"),
    Group("stabilityai", "stable diffusion, image generation, upscale image", "stability.ai"),
    # Work, customers and shops.
    Group("servicemanagement", "jsm, jira service desk, service desk, jira service", "atlassian"),
    Group("launchdarkly", "rollout flag, gradual rollout, kill switch", "launchdarkly.com"),
    Group("optimizely", "a b testing, experiment, ab test, split test", "optimizely.com"),
    Group("domains domains", "register domain, buy domain, domain registration, dns", "dns"),
    Group("certificates", "ssl certificate order, buy certificate", "godaddy.com"),
    Group("frauddetection", "fraud check, fraudulent order, screen order, scam order", "fraud"),
    Group("plaid yodlee", "connect bank, account aggregation, bank statement", "bank data"),
    Group("openfigi", "financial instrument, ticker, figi, cusip, security identifier", "openfigi"),
    Group("pocketsmith ynab", "household budget, spending, cash flow forecast", "budgets"),
    Group("ronin", "freelancer invoice, freelance billing", "roninapp.com"),
    Group(
        "nowpayments", "crypto payment, accept bitcoin, cryptocurrency payment", "nowpayments.io"
    ),
    Group("flightoffersprice", "flight price, confirm price of flight, airfare", "amadeus.com"),
    Group("flightcreateorders", "book flight, flight booking, flight order", "amadeus.com"),
    Group(
        "flightofferssearch", "find flight, search flight, cheap flight, plane ticket", "amadeus"
    ),
    Group(
        "directions", "route for vehicle, route planning, routing engine, turn by turn", "routes"
    ),
    Group("dsesign", "envelope, docusign envelope, e sign, send for signature", "docusign.com"),
    Group("rooms", "real estate transaction, docusign room", "docusign.com: Rooms"),
    Group("dsclick", "clickwrap, terms of service agreement, click to agree", "docusign.com"),
    Group("shopify", "shopify store, shopify order, shopify product", "shopify.dev"),
    Group("magento", "adobe commerce", "business.adobe.com: Magento is Adobe Commerce"),
    Group("cartsordershoppinglists", "shopping cart, shopping list, basket", "commercetools.com"),
    Group("pricingdiscount", "discount code, promotion price", "commercetools.com"),
    Group("cloudtalentsolution", "recruit, applicant, job posting", "recruiting"),
    Group("compensation", "bonus, pay raise, employee compensation", "workday.com"),
    Group("litmos", "learning management, training course, employee training", "litmos.com"),
    Group("gototraining", "online training, training session", "goto.com"),
    Group("dev medium", "publish article, blog article, developer blog", "articles"),
    Group("samcart selz", "sell digital product, checkout page, sell online", "shops"),
    Group("reckon quickbooks xero", "small business accounting, chart of account", "accounting"),
    Group("bankfeeds", "bank feed, import bank statement", "xero.com"),
    Group("assets", "fixed asset, depreciation", "xero.com: Assets"),
    Group("sugarcrm", "sugar crm", "sugarcrm.com"),
    Group("insightly capsulecrm keap pipedrive", "small business crm, sales crm", "CRM"),
    Group("eventbrite", "sell ticket, event attendee, concert ticket", "eventbrite.com"),
    Group("spotify soundcloud", "music streaming, stream music, music track, album", "music"),
    Group("data", "youtube playlist, youtube comment, upload youtube", "YouTube Data API"),
    Group("themoviedb", "tv show, movie database, actor", "themoviedb.org"),
    Group("flatapi", "sheet music, music notation, musescore", "flat.io"),
    Group("giphy", "meme, funny gif", "giphy.com"),
    Group(
        "bisstats worldbank", "macroeconomic, central bank statistic, interest rate", "statistics"
    ),
    Group("fiesta", "earth science, paleomagnetic, geology", "earthref.org"),
    Group("visiblethread", "readability score, plain english", "visiblethread.com"),
    Group("namsor", "guess gender, origin of name", "namsor.app"),
    Group("statedata zipinfo", "us state, state data, city of zip", "interzoid.com"),
    Group("globalpageload", "page load time, website speed, page speed", "interzoid.com"),
    Group("whatsapp", "wa message, whatsapp message", "whatsapp.com"),
    Group("truesightpresentationserver", "bmc truesight, truesight", "bmc.com"),
    Group("optitune", "remote desktop management, patch management", "optitune.com"),
    Group("config", "oauth configuration of client, auth config of client", "client.config"),
    # Health and trade.
    Group("supplychain", "desadv, despatch advice, delforecast, delfor, deljit", "UN/EDIFACT"),
    Group("shipping shipping", "baplie, bayplan, container announcement, coparn", "UN/EDIFACT"),
    Group("finance", "paymul, remadv, payment order message, bansta", "UN/EDIFACT"),
    Group("logistics", "iftmin, iftsta, iftmbf, forwarding instruction", "UN/EDIFACT"),
    Group("smartconfiguration", "smart configuration, smart on fhir", "hl7.org: SMART"),
    Group("athenaconnect", "athenahealth, athena health", "athenahealth.com"),
    Group("cernerconnect", "oracle health, cerner ehr", "cerner.com"),
    Group(
        "fhir r4", "hapi, hapi fhir, electronic patient, medical record, firely", "hl7.org: FHIR"
    ),
    Group("cds", "cds service, cds card, decision support", "cds-hooks.org"),
    Group("medication", "drug prescription", "hl7.org: FHIR"),
    Group("ocpi", "charging of electric cars, ev roaming, emobility", "OCPI"),
    Group("insnow", "policy quote, insurance broker", "guidewire.com"),
)
