"""Products by what they are for, so that a product without a package finds those that have one.

An entry has words of packages, the products that people name instead, and what these products say
that they are: the heading of their own sites, which is the source of the entry.
"""

from typing import NamedTuple


class ProductKind(NamedTuple):
    """Products of one kind: the words of packages for some, and the names of others."""

    meant: str
    typed: str  # Names, divided by commas.
    source: str


PRODUCT_KINDS = (
    # Talking and writing to each other.
    ProductKind(
        "zoom gotomeeting livestorm teams conferencing",
        "webex, google meet, jitsi, bluejeans, whereby, skype, ringcentral, video conference, "
        "video meeting, online meeting",
        "video conferencing",
    ),
    ProductKind("gotowebinar livestorm zoom", "webinar, demio, webinarjam, on24", "webinars"),
    ProductKind(
        "slack teams discord",
        "mattermost, rocket chat, zulip, google chat, team chat, chat room, flock",
        "team messaging",
    ),
    ProductKind(
        "whatsapp", "telegram, viber, wechat, messenger, signal messenger", "messages to phones"
    ),
    ProductKind(
        "sms twilio vonage sinch",
        "messagebird, plivo, clicksend, telesign, infobip, telnyx, bandwidth, textlocal, "
        "txt message, send text",
        "SMS gateways",
    ),
    ProductKind("vonage", "nexmo", "vonage.com: Nexmo is now Vonage"),
    ProductKind(
        "voice twilio vonage sinch", "phone call, voice call, ivr", "voice calls by an API"
    ),
    ProductKind(
        "sendgrid ses email",
        "mailgun, postmark, mailjet, sparkpost, mandrill, transactional email, amazon ses, "
        "email delivery",
        "email delivery by an API",
    ),
    ProductKind(
        "mailchimp constantcontact activecampaign sendgrid",
        "klaviyo, brevo, sendinblue, campaign monitor, aweber, convertkit, getresponse, "
        "newsletter, email campaign, email marketing, mailing list",
        "email marketing",
    ),
    ProductKind(
        "pushcut sns ably", "push notification, onesignal, fcm, apns, pushover", "notifications"
    ),
    ProductKind("ably", "pusher, pubnub, realtime messaging", "messages in real time"),
    ProductKind(
        "gmail outlook email", "inbox, yahoo mail, protonmail, exchange mailbox, hotmail", "mail"
    ),
    ProductKind("outlook", "office 365 mail, o365, exchange online", "Microsoft 365: Outlook"),
    ProductKind(
        "calendar", "calendly, gcal, google cal, ical, schedule meeting, appointment", "calendars"
    ),
    # Customers and support.
    ProductKind(
        "salesforce hubspot zoho pipedrive crm",
        "freshsales, suitecrm, vtiger, nimble, close crm, sales pipeline, customer relations",
        "customer relationship management",
    ),
    ProductKind(
        "zendesk freshdesk servicenow supportbee helpdesk",
        "intercom, helpscout, kayako, zoho desk, liveagent, gorgias, help desk, support ticket, "
        "customer support, ticketing",
        "customer support",
    ),
    ProductKind("servicenow servicemanagement", "itsm, bmc remedy, incident ticket", "ITSM"),
    ProductKind(
        "formstack", "typeform, jotform, surveymonkey, google forms, online form, survey", "forms"
    ),
    ProductKind("disqus", "comment system, comments on website, commento", "comments"),
    # Work.
    ProductKind(
        "asana trello jira shortcut",
        "clickup, monday com, basecamp, wrike, todoist, linear app, smartsheet, youtrack, "
        "redmine, kanban, project management, issue tracker, planner, to do list",
        "project management",
    ),
    ProductKind("jira", "atlassian, scrum, sprint board", "atlassian.com: Jira for agile teams"),
    ProductKind(
        "sheets gsheets quickbase notion", "airtable, coda, no code database", "tables and notes"
    ),
    ProductKind("onenote notion", "evernote, bear notes, google keep, take note", "notes"),
    ProductKind("onedrive", "one drive, sharepoint, office 365 files", "Microsoft 365: files"),
    ProductKind(
        "drive dropbox box onedrive dracoon",
        "egnyte, icloud, mega nz, pcloud, nextcloud, owncloud, sharefile, cloud storage, "
        "file sharing",
        "files in the cloud",
    ),
    ProductKind("docs drive", "google docs, word document", "docs.google.com"),
    ProductKind(
        "docusign dsesign pandadoc esignature",
        "hellosign, adobe sign, dropbox sign, signnow, e signature, electronic signature, "
        "digital signature, sign document, sign contract",
        "electronic signatures",
    ),
    ProductKind("alfresco edocs", "document management, ecm, documentum, opentext", "ECM"),
    # People and money.
    ProductKind(
        "peoplehr people dayforce workday hrms",
        "bamboohr, gusto, rippling, personio, hibob, successfactors, ukg, kronos, "
        "employee record, human resource",
        "human resources",
    ),
    ProductKind(
        "payroll adp dayforce paylocity",
        "paychex, paycom, gusto payroll, payslip, salary, pay stub, wage",
        "payroll",
    ),
    ProductKind(
        "absencemanagement", "leave, time off, vacation, pto, sick day, absence", "absences"
    ),
    ProductKind(
        "quickbooks xero freshbooks books accounting",
        "sage, wave accounting, myob, freeagent, bookkeeping, general ledger, ledger, "
        "accounting software",
        "accounting",
    ),
    ProductKind("quickbooks", "intuit", "quickbooks.intuit.com"),
    ProductKind(
        "recurly zuora stripe subscriptions",
        "chargebee, chargify, maxio, paddle, fastspring, recurring billing, subscription billing, "
        "recurring payment",
        "subscription billing",
    ),
    ProductKind(
        "stripe paypal squareup payments",
        "braintree, adyen, klarna, razorpay, worldpay, authorize net, mollie, payu, payoneer, "
        "google pay, apple pay, venmo, credit card, card payment, accept payment, checkout",
        "payments",
    ),
    ProductKind("squareup", "square payment, square pos, point of sale", "squareup.com: Square"),
    ProductKind(
        "nowpayments chaingateway cryptocurrency",
        "coinbase, bitpay, binance, ethereum, bitcoin, crypto currency, blockchain payment",
        "cryptocurrencies",
    ),
    ProductKind(
        "plaid yodlee",
        "truelayer, finicity, open banking, bank account, bank transaction, bank balance",
        "bank data",
    ),
    ProductKind("ynab pocketsmith", "mint budget, personal finance, budget", "budgets"),
    ProductKind("brex", "ramp card, corporate card, expense card", "corporate cards"),
    ProductKind("expense", "expensify, concur, expense report, receipt", "expenses"),
    ProductKind("avatax tax", "taxjar, sales tax, vat rate, tax rate, avalara", "taxes"),
    ProductKind(
        "exchangerates currencyexchange currencyrate convertcurrency currency",
        "fixer io, currency conversion, currency converter, exchange rate, foreign exchange, forex",
        "currency rates",
    ),
    ProductKind("openfigi finance", "bloomberg, alpha vantage, stock price, isin", "instruments"),
    ProductKind("storecove", "peppol, e invoice, e invoicing, electronic invoice", "Peppol"),
    ProductKind("frauddetection", "fraud, sift science, chargeback risk, riskified", "fraud"),
    # Shops and parcels.
    ProductKind(
        "shopify magento commercetools ecommerce",
        "woocommerce, bigcommerce, prestashop, opencart, squarespace, wix, online store, web shop",
        "online shops",
    ),
    ProductKind("ebay", "etsy, amazon seller, auction", "marketplaces"),
    ProductKind(
        "shipstation shippit shipwire logistics",
        "easypost, shippo, fedex, dhl, usps, sendcloud, aftership, parcel, shipping label, "
        "track shipment, shipment",
        "shipping",
    ),
    ProductKind("flightofferssearch amadeus", "flight, skyscanner, kayak, sabre, airline", "travel"),
    ProductKind("uber", "lyft, grab taxi, taxi, ride hailing, cab", "rides"),
    ProductKind("eventbrite", "ticketmaster, meetup, event ticket, event registration", "tickets"),
    # Reading, listening, watching, learning.
    ProductKind(
        "vimeo youtube", "dailymotion, wistia, twitch, tiktok, video hosting, upload video", "video"
    ),
    ProductKind("spotify soundcloud", "deezer, apple music, tidal, lastfm, playlist, song", "music"),
    ProductKind("listen", "podcast, apple podcast", "listennotes.com: podcasts"),
    ProductKind("giphy", "gif, tenor, animated image, sticker", "GIFs"),
    ProductKind("images", "dall e, dalle", "openai.com: DALL-E"),
    ProductKind(
        "images stabilityai",
        "midjourney, stable diffusion, generate image, text to image",
        "images made from text",
    ),
    ProductKind(
        "twitter facebook instagram",
        "linkedin, pinterest, reddit, mastodon, tumblr, snapchat, bluesky, social media, "
        "social network",
        "social networks",
    ),
    ProductKind("instagram", "insta", "instagram.com: the usual abbreviation"),
    ProductKind("facebook", "fb, meta ads", "facebook.com: the usual abbreviation"),
    ProductKind("twitter", "tweet, x com", "twitter.com: posts are called tweets"),
    ProductKind(
        "wordpress medium blogger",
        "ghost blog, drupal, joomla, contentful, substack, hashnode, blog, cms",
        "publishing",
    ),
    ProductKind("books isbndb", "goodreads, open library, isbn, book, bestseller", "books"),
    ProductKind("themoviedb moviereviews", "imdb, tmdb, omdb, rotten tomatoes, movie, film", "films"),
    ProductKind("newsapi topstories newswire", "news, headline, guardian, breaking news", "news"),
    ProductKind("nytimes", "nyt, new york times", "nytimes.com"),
    ProductKind(
        "thinkific classroom",
        "udemy, teachable, coursera, kajabi, moodle, canvas lms, blackboard, online course, lms",
        "courses",
    ),
    ProductKind("student clever", "university, student, school roster, sis", "schools"),
    ProductKind("figshare", "zenodo, research data, dataset publishing", "research data"),
    ProductKind("wordnik", "dictionary, definition, thesaurus, merriam webster", "dictionaries"),
    # Looking things up.
    ProductKind(
        "openweathermap odweather weather",
        "accuweather, weatherapi, darksky, weather forecast, forecast, temperature",
        "weather",
    ),
    ProductKind(
        "graphhopper directions geonames",
        "mapbox, google maps, here maps, osrm, geocoding, geocode, route planning, driving route, "
        "distance between",
        "maps",
    ),
    ProductKind(
        "ipgeolocation iptwist", "ipinfo, maxmind, geoip, ipstack, ip address, ip location", "IPs"
    ),
    ProductKind("ip2whois domains", "whois, namecheap, domain owner, domain lookup", "domains"),
    ProductKind("zipinfo", "zip code, postal code, postcode", "postal codes"),
    ProductKind("worldtimeapi globaltime time", "time zone, world clock, timezone", "time zones"),
    ProductKind("worldbank", "gdp, economic indicator, world bank", "worldbank.org"),
    ProductKind("covid19", "coronavirus, corona, pandemic, covid", "WHO: COVID-19"),
    ProductKind("numberinsight neutrino", "phone lookup, numverify, phone validation", "numbers"),
    ProductKind("smsverification verify verification", "otp, one time password, 2fa", "2FA"),
    ProductKind("emailinfo validate", "zerobounce, hunter io, email validation", "addresses"),
    ProductKind("namsor", "gender, ethnicity, first name", "namsor.app: names and genders"),
    ProductKind("owler", "company data, clearbit, crunchbase, competitor", "companies"),
    ProductKind("barcode", "qr code, qrcode, ean, upc", "codes"),
    ProductKind("virusscan", "virus, malware, virustotal, clamav, antivirus", "virus scans"),
    ProductKind("bitly shorten", "tinyurl, rebrandly, short link, short url, long link", "links"),
    ProductKind("browshot", "screenshot, urlbox, website thumbnail", "screenshots"),
    ProductKind("botify", "seo, ahrefs, semrush, crawl my site", "search engine optimization"),
    ProductKind("webscraping dataflowkit", "scrape, scraper, scrapy, apify, crawler", "scraping"),
    ProductKind("icons8", "icon, font awesome, icon set", "icons"),
    ProductKind("opendesign", "figma, sketch file, adobe xd, canva", "designs"),
    ProductKind("appstore extpose", "app store, google play, app review", "app stores"),
    # Data, machines and programs.
    ProductKind(
        "analytics", "google analytics, mixpanel, amplitude, matomo, web analytics", "analytics"
    ),
    ProductKind("tableau bi", "looker, qlik, metabase, superset, power bi, dashboard", "reports"),
    ProductKind(
        "newrelic prometheus opentelemetry",
        "datadog, dynatrace, appdynamics, splunk, grafana, honeycomb, nagios, zabbix, instana, "
        "apm, observability",
        "monitoring",
    ),
    ProductKind("elmah newrelic", "sentry, rollbar, bugsnag, error tracking", "errors"),
    ProductKind("pagerduty", "opsgenie, victorops, on call, oncall, incident alert", "on call"),
    ProductKind(
        "launchdarkly optimizely",
        "feature flag, feature toggle, split io, unleash, flagsmith, configcat, a b test",
        "feature flags",
    ),
    ProductKind(
        "keyvault onepassword",
        "hashicorp vault, secrets manager, lastpass, bitwarden, cyberark, store secret, "
        "secret store, password manager",
        "secrets",
    ),
    ProductKind("onepassword", "1password", "1password.com"),
    ProductKind(
        "observe jaeger zipkin opentelemetry",
        "opentracing, distributed tracing, trace request, span, openzipkin",
        "opentelemetry.io: tracing",
    ),
    ProductKind("trigger", "zapier, ifttt, make com, workflow automation, n8n", "automation"),
    ProductKind("scim", "provision user, user sync", "RFC 7644"),
    ProductKind("impala", "hotel, booking com, accommodation, airbnb", "impala.travel: hotels"),
    ProductKind("feedback", "customer satisfaction, nps, customer feedback", "hubspot.com"),
    ProductKind("people", "google contact, contact list, address book", "People API: contacts"),
    ProductKind("paypal stripe", "wallet, refund, payment link, invoice payment", "payments"),
    ProductKind("admin", "shopify", "shopify.dev: the Admin API"),
    ProductKind(
        "asgardeo scim ad identitymanagement",
        "okta, auth0, onelogin, keycloak, cognito, entra, user provisioning, identity provider",
        "identity",
    ),
    ProductKind("ad", "azure ad, aad, entra id, microsoft entra", "Microsoft: Entra ID was AD"),
    ProductKind("github gitlab bitbucket", "gitea, codecommit, azure devops, git host", "git"),
    ProductKind("cloudbuild", "jenkins, circleci, travis, teamcity, ci pipeline", "builds"),
    ProductKind(
        "lambda functions cloudfunctions",
        "cloudflare worker, openfaas, netlify function, serverless function, knative",
        "serverless functions",
    ),
    ProductKind("iothub iotcentral iotandstorage", "iot, aws iot, thingsboard, sensor", "IoT"),
    ProductKind("mi", "micro integrator, wso2 mi, wso2 integrator", "wso2.com: Micro Integrator"),
    ProductKind("automata transformer", "uipath, robotic process automation, rpa", "RPA"),
    ProductKind("sap saps4hana netsuite", "erp, odoo, oracle erp, enterprise resource", "ERP"),
    ProductKind("jco", "idoc, bapi, sap rfc, sap rfc function", "SAP Java Connector"),
    ProductKind("dynamics365businesscentral", "microsoft dynamics, navision, d365", "Dynamics"),
    ProductKind("guidewire insnow", "insurance policy, insurance claim, insurance", "insurance"),
    ProductKind(
        "fhir health", "ehr, emr, electronic health record, cerner, patient record", "health"
    ),
    ProductKind("epicconnect", "epic ehr, epic systems, epic mychart", "epic.com: an EHR"),
    ProductKind("hl7v2", "hl7, adt message, hl7 message, mllp", "hl7.org"),
    ProductKind("ccdatofhir", "c cda, ccda, clinical document", "hl7.org: Consolidated CDA"),
    ProductKind("copybook", "mainframe, cics, ebcdic", "IBM: data of COBOL programs"),
    ProductKind("edi edifact", "850 purchase order, edifact, as2 message, 810 invoice", "EDI"),
    # Databases, brokers and stores.
    ProductKind(
        "dynamodb cosmosdb mongodb clouddatastore",
        "cassandra, scylladb, couchbase, couchdb, hbase, firestore, firebase, document database, "
        "key value store, arangodb, ravendb",
        "databases without SQL",
    ),
    ProductKind("cosmosdb", "cosmos, cosmos db", "azure.microsoft.com: Azure Cosmos DB"),
    ProductKind("elasticsearch", "algolia, opensearch, solr, lucene, meilisearch", "search engines"),
    ProductKind("elasticsearch", "typesense, kibana, full text search", "search engines"),
    ProductKind("mysql", "mariadb, percona, planetscale, vitess, tidb", "speak MySQL's protocol"),
    ProductKind(
        "postgresql",
        "cockroachdb, supabase, timescaledb, greenplum, postgis, aurora, yugabytedb",
        "speak PostgreSQL's protocol",
    ),
    ProductKind("mssql", "azure sql, microsoft sql, sqlserver, tsql, t sql", "Microsoft SQL Server"),
    ProductKind("oracledb", "oracle database, plsql, oracle", "oracle.com: Oracle Database"),
    ProductKind(
        "jdbc h2",
        "sqlite, derby, hsqldb, duckdb, embedded database, in memory database, db2, informix, "
        "sybase, teradata, vertica, trino, clickhouse, firebird",
        "have JDBC drivers",
    ),
    ProductKind("bigquery redshift snowflake", "databricks, synapse, data warehouse", "warehouses"),
    ProductKind("redis cache", "memcached, memcache, valkey, dragonfly", "caches"),
    ProductKind(
        "kafka eventhub pubsub cloudpubsub",
        "kinesis, pulsar, redpanda, eventbridge, event stream, stream processing",
        "event streams",
    ),
    ProductKind(
        "rabbitmq activemq jms sqs asb",
        "zeromq, solace, tibco ems, artemis, msmq, qpid, azure queue, message queue",
        "message queues",
    ),
    ProductKind("ibmmq", "ibm mq, websphere mq, mqseries, queue manager", "ibm.com: IBM MQ"),
    ProductKind("cregistry", "schema registry, confluent", "confluent.io: Schema Registry"),
    ProductKind(
        "s3 storage",
        "minio, wasabi, backblaze, object storage, google cloud storage, bucket, spaces storage",
        "object storage",
    ),
    ProductKind("azure_storage_service storage", "azure blob, azure file share", "Azure Storage"),
    ProductKind(
        "pinecone weaviate", "milvus, qdrant, chroma, chromadb, pgvector, vector database", "vectors"
    ),
    ProductKind("weaviate pinecone", "vector db, vector store, similarity search", "vectors"),
    ProductKind(
        "openai chat text",
        "claude, anthropic, gemini, mistral, cohere, llama, bedrock, vertex ai, perplexity, "
        "deepseek, hugging face, langchain, chat completion, generative ai, text generation",
        "language models",
    ),
    ProductKind("embeddings", "embedding, text embedding, embed text", "openai.com: embeddings"),
    ProductKind("moderations", "moderation, abusive text, toxic, profanity filter", "openai.com"),
    ProductKind(
        "audio", "speech to text, transcribe, transcription, deepgram, assemblyai, whisper", "speech"
    ),
    ProductKind("cloudtranslation", "translate, translation, deepl, translator", "translation"),
    ProductKind(
        "cloudnaturallanguage textanalytics symantotextanalytics text2data",
        "sentiment, sentiment analysis, nlp, comprehend, natural language, entity extraction",
        "text analysis",
    ),
    ProductKind("anomalydetector anomalydetection", "anomaly, outlier", "anomaly detection"),
    ProductKind("vision", "ocr, tesseract, textract, image recognition", "computer vision"),
    ProductKind(
        "pdfbox pdfbroker api2pdf pdf", "itext, html to pdf, wkhtmltopdf, pdf file, pdf", "PDF"
    ),
)
