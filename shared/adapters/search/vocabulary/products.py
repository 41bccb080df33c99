"""Products by what they are for, so that a product without a package finds those that have one.

An entry has words of packages, the products that people name instead, and what these products say
that they are: the heading of their own sites, which is the source of the entry.
"""

from shared.adapters.search.vocabulary import Group

PRODUCTS = (
    # Talking and writing to each other.
    Group(
        "zoom gotomeeting livestorm teams conferencing",
        "webex, google meet, jitsi, bluejeans, whereby, skype, ringcentral, video conference, "
        "video meeting, online meeting",
        "video conferencing",
    ),
    Group("gotowebinar livestorm zoom", "webinar, demio, webinarjam, on24", "webinars"),
    Group(
        "slack teams discord",
        "mattermost, rocket chat, zulip, google chat, team chat, chat room, flock",
        "team messaging",
    ),
    Group("whatsapp", "telegram, viber, wechat, messenger, signal messenger", "messages to phones"),
    Group(
        "sms twilio vonage sinch",
        "messagebird, plivo, clicksend, telesign, infobip, telnyx, bandwidth, textlocal, "
        "txt message, send text",
        "SMS gateways",
    ),
    Group("vonage", "nexmo", "vonage.com: Nexmo is now Vonage"),
    Group("voice twilio vonage sinch", "phone call, voice call, ivr", "voice calls by an API"),
    Group(
        "sendgrid ses email",
        "mailgun, postmark, mailjet, sparkpost, mandrill, transactional email, amazon ses, "
        "email delivery",
        "email delivery by an API",
    ),
    Group(
        "mailchimp constantcontact activecampaign sendgrid",
        "klaviyo, brevo, sendinblue, campaign monitor, aweber, convertkit, getresponse, "
        "newsletter, email campaign, email marketing, mailing list",
        "email marketing",
    ),
    Group("pushcut sns ably", "push notification, onesignal, fcm, apns, pushover", "notifications"),
    Group("ably", "pusher, pubnub, realtime messaging", "messages in real time"),
    Group(
        "gmail outlook email", "inbox, yahoo mail, protonmail, exchange mailbox, hotmail", "mail"
    ),
    Group("outlook", "office 365 mail, o365, exchange online", "Microsoft 365: Outlook"),
    Group(
        "calendar", "calendly, gcal, google cal, ical, schedule meeting, appointment", "calendars"
    ),
    # Customers and support.
    Group(
        "salesforce hubspot zoho pipedrive crm",
        "freshsales, suitecrm, vtiger, nimble, close crm, sales pipeline, customer relations",
        "customer relationship management",
    ),
    Group(
        "zendesk freshdesk servicenow supportbee helpdesk",
        "intercom, helpscout, kayako, zoho desk, liveagent, gorgias, help desk, support ticket, "
        "customer support, ticketing",
        "customer support",
    ),
    Group("servicenow servicemanagement", "itsm, bmc remedy, incident ticket", "ITSM"),
    Group(
        "formstack", "typeform, jotform, surveymonkey, google forms, online form, survey", "forms"
    ),
    Group("disqus", "comment system, comments on website, commento", "comments"),
    # Work.
    Group(
        "asana trello jira shortcut",
        "clickup, monday com, basecamp, wrike, todoist, linear app, smartsheet, youtrack, "
        "redmine, kanban, project management, issue tracker, planner, to do list",
        "project management",
    ),
    Group("jira", "atlassian, scrum, sprint board", "atlassian.com: Jira for agile teams"),
    Group(
        "sheets gsheets quickbase notion", "airtable, coda, no code database", "tables and notes"
    ),
    Group("onenote notion", "evernote, bear notes, google keep, take note", "notes"),
    Group("onedrive", "one drive, sharepoint, office 365 files", "Microsoft 365: files"),
    Group(
        "drive dropbox box onedrive dracoon",
        "egnyte, icloud, mega nz, pcloud, nextcloud, owncloud, sharefile, cloud storage, "
        "file sharing",
        "files in the cloud",
    ),
    Group("docs drive", "google docs, word document", "docs.google.com"),
    Group(
        "docusign dsesign pandadoc esignature",
        "hellosign, adobe sign, dropbox sign, signnow, e signature, electronic signature, "
        "digital signature, sign document, sign contract",
        "electronic signatures",
    ),
    Group("alfresco edocs", "document management, ecm, documentum, opentext", "ECM"),
    # People and money.
    Group(
        "peoplehr people dayforce workday hrms",
        "bamboohr, gusto, rippling, personio, hibob, successfactors, ukg, kronos, "
        "employee record, human resource",
        "human resources",
    ),
    Group(
        "payroll adp dayforce paylocity",
        "paychex, paycom, gusto payroll, payslip, salary, pay stub, wage",
        "payroll",
    ),
    Group("absencemanagement", "leave, time off, vacation, pto, sick day, absence", "absences"),
    Group(
        "quickbooks xero freshbooks books accounting",
        "sage, wave accounting, myob, freeagent, bookkeeping, general ledger, ledger, "
        "accounting software",
        "accounting",
    ),
    Group("quickbooks", "intuit", "quickbooks.intuit.com"),
    Group(
        "recurly zuora stripe subscriptions",
        "chargebee, chargify, maxio, paddle, fastspring, recurring billing, subscription billing, "
        "recurring payment",
        "subscription billing",
    ),
    Group(
        "stripe paypal squareup payments",
        "braintree, adyen, klarna, razorpay, worldpay, authorize net, mollie, payu, payoneer, "
        "google pay, apple pay, venmo, credit card, card payment, accept payment, checkout",
        "payments",
    ),
    Group("squareup", "square payment, square pos, point of sale", "squareup.com: Square"),
    Group(
        "nowpayments chaingateway cryptocurrency",
        "coinbase, bitpay, binance, ethereum, bitcoin, crypto currency, blockchain payment",
        "cryptocurrencies",
    ),
    Group(
        "plaid yodlee",
        "truelayer, finicity, open banking, bank account, bank transaction, bank balance",
        "bank data",
    ),
    Group("ynab pocketsmith", "mint budget, personal finance, budget", "budgets"),
    Group("brex", "ramp card, corporate card, expense card", "corporate cards"),
    Group("expense", "expensify, concur, expense report, receipt", "expenses"),
    Group("avatax tax", "taxjar, sales tax, vat rate, tax rate, avalara", "taxes"),
    Group(
        "exchangerates currencyexchange currencyrate convertcurrency currency",
        "fixer io, currency conversion, currency converter, exchange rate, foreign exchange, forex",
        "currency rates",
    ),
    Group("openfigi finance", "bloomberg, alpha vantage, stock price, isin", "instruments"),
    Group("storecove", "peppol, e invoice, electronic invoice", "Peppol"),
    Group("frauddetection", "fraud, sift science, chargeback risk, riskified", "fraud"),
    # Shops and parcels.
    Group(
        "shopify magento commercetools ecommerce",
        "woocommerce, bigcommerce, prestashop, opencart, squarespace, wix, online store, web shop",
        "online shops",
    ),
    Group("ebay", "etsy, amazon seller, auction", "marketplaces"),
    Group(
        "shipstation shippit shipwire logistics",
        "easypost, shippo, fedex, dhl, usps, sendcloud, aftership, parcel, shipping label, "
        "track shipment, shipment",
        "shipping",
    ),
    Group("flightofferssearch amadeus", "flight, skyscanner, kayak, sabre, airline", "travel"),
    Group("uber", "lyft, grab taxi, taxi, ride hailing, cab", "rides"),
    Group("eventbrite", "ticketmaster, meetup, event ticket, event registration", "tickets"),
    # Reading, listening, watching, learning.
    Group(
        "vimeo youtube", "dailymotion, wistia, twitch, tiktok, video hosting, upload video", "video"
    ),
    Group("spotify soundcloud", "deezer, apple music, tidal, lastfm, playlist, song", "music"),
    Group("listen", "podcast, apple podcast", "listennotes.com: podcasts"),
    Group("giphy", "gif, tenor, animated image, sticker", "GIFs"),
    Group("images", "dall e, dalle", "openai.com: DALL-E"),
    Group(
        "images stabilityai",
        "midjourney, stable diffusion, generate image, text to image",
        "images made from text",
    ),
    Group(
        "twitter facebook instagram",
        "linkedin, pinterest, reddit, mastodon, tumblr, snapchat, bluesky, social media, "
        "social network",
        "social networks",
    ),
    Group("instagram", "insta", "instagram.com: the usual abbreviation"),
    Group("facebook", "fb, meta ads", "facebook.com: the usual abbreviation"),
    Group("twitter", "tweet, x com", "twitter.com: posts are called tweets"),
    Group(
        "wordpress medium blogger",
        "ghost blog, drupal, joomla, contentful, substack, hashnode, blog, cms",
        "publishing",
    ),
    Group("books isbndb", "goodreads, open library, isbn, bestseller", "books"),
    Group("themoviedb moviereviews", "imdb, tmdb, omdb, rotten tomatoes, movie, film", "films"),
    Group("newsapi topstories newswire", "news, headline, guardian, breaking news", "news"),
    Group("nytimes", "nyt, new york times", "nytimes.com"),
    Group(
        "thinkific classroom",
        "udemy, teachable, coursera, kajabi, moodle, canvas lms, blackboard, online course, lms",
        "courses",
    ),
    Group("student clever", "university, school roster, sis", "schools"),
    Group("figshare", "zenodo, research data, dataset publishing", "research data"),
    Group("wordnik", "dictionary, definition, thesaurus, merriam webster", "dictionaries"),
    # Looking things up.
    Group(
        "openweathermap odweather weather",
        "accuweather, weatherapi, darksky, weather forecast, forecast, temperature",
        "weather",
    ),
    Group(
        "graphhopper directions geonames",
        "mapbox, google maps, here maps, osrm, geocode, route planning, driving route, "
        "distance between",
        "maps",
    ),
    Group(
        "ipgeolocation iptwist", "ipinfo, maxmind, geoip, ipstack, ip address, ip location", "IPs"
    ),
    Group("ip2whois domains", "whois, namecheap, domain owner, domain lookup", "domains"),
    Group("zipinfo", "zip code, postal code, postcode", "postal codes"),
    Group("worldtimeapi globaltime time", "time zone, world clock, timezone", "time zones"),
    Group("worldbank", "gdp, economic indicator, world bank", "worldbank.org"),
    Group("covid19", "coronavirus, corona, pandemic, covid", "WHO: COVID-19"),
    Group("numberinsight neutrino", "phone lookup, numverify, phone validation", "numbers"),
    Group("smsverification verify verification", "otp, one time password, 2fa", "2FA"),
    Group("emailinfo validate", "zerobounce, hunter io, email validation", "addresses"),
    Group("namsor", "gender, ethnicity, first name", "namsor.app: names and genders"),
    Group("owler", "company data, clearbit, crunchbase, competitor", "companies"),
    Group("barcode", "qr code, qrcode, ean, upc", "codes"),
    Group("virusscan", "virus, malware, virustotal, clamav, antivirus", "virus scans"),
    Group("bitly shorten", "tinyurl, rebrandly, short link, short url, long link", "links"),
    Group("browshot", "screenshot, urlbox, website thumbnail", "screenshots"),
    Group("botify", "seo, ahrefs, semrush, crawl my site", "search engine optimization"),
    Group("webscraping dataflowkit", "scrape, scraper, scrapy, apify, crawler", "scraping"),
    Group("icons8", "icon, font awesome, icon set", "icons"),
    Group("opendesign", "figma, sketch file, adobe xd, canva", "designs"),
    Group("appstore extpose", "app store, google play, app review", "app stores"),
    # Data, machines and programs.
    Group("analytics", "google analytics, mixpanel, amplitude, matomo, web analytics", "analytics"),
    Group("tableau bi", "looker, qlik, metabase, superset, power bi, dashboard", "reports"),
    Group(
        "newrelic prometheus opentelemetry",
        "datadog, dynatrace, appdynamics, splunk, grafana, honeycomb, nagios, zabbix, instana, "
        "apm, observability",
        "monitoring",
    ),
    Group("elmah newrelic", "sentry, rollbar, bugsnag, error tracking", "errors"),
    Group("pagerduty", "opsgenie, victorops, on call, oncall, incident alert", "on call"),
    Group(
        "launchdarkly optimizely",
        "feature flag, feature toggle, split io, unleash, flagsmith, configcat, a b test",
        "feature flags",
    ),
    Group(
        "keyvault onepassword",
        "hashicorp vault, secrets manager, lastpass, bitwarden, cyberark, store secret, "
        "secret store, password manager",
        "secrets",
    ),
    Group("onepassword", "1password", "1password.com"),
    Group(
        "observe jaeger zipkin opentelemetry",
        "opentracing, distributed tracing, trace request, span, openzipkin",
        "opentelemetry.io: tracing",
    ),
    Group("trigger", "zapier, ifttt, make com, workflow automation, n8n", "automation"),
    Group("scim", "provision user, user sync", "RFC 7644"),
    Group("impala", "hotel, booking com, accommodation, airbnb", "impala.travel: hotels"),
    Group("feedback", "customer satisfaction, nps, customer feedback", "hubspot.com"),
    Group("people", "google contact, contact list, address book", "People API: contacts"),
    Group("paypal stripe", "wallet, refund, payment link, invoice payment", "payments"),
    Group("admin", "shopify", "shopify.dev: the Admin API"),
    Group(
        "asgardeo scim ad identitymanagement",
        "okta, auth0, onelogin, keycloak, cognito, entra, identity provider",
        "identity",
    ),
    Group("ad", "azure ad, aad, entra id, microsoft entra", "Microsoft: Entra ID was AD"),
    Group("github gitlab bitbucket", "gitea, codecommit, azure devops, git host", "git"),
    Group("cloudbuild", "jenkins, circleci, travis, teamcity, ci pipeline", "builds"),
    Group(
        "lambda functions cloudfunctions",
        "cloudflare worker, openfaas, netlify function, serverless function, knative",
        "serverless functions",
    ),
    Group("iothub iotcentral iotandstorage", "iot, aws iot, thingsboard, sensor", "IoT"),
    Group("mi", "micro integrator, wso2 mi, wso2 integrator", "wso2.com: Micro Integrator"),
    Group("automata transformer", "uipath, robotic process automation, rpa", "RPA"),
    Group("sap saps4hana netsuite", "erp, odoo, oracle erp, enterprise resource", "ERP"),
    Group("jco", "idoc, bapi, sap rfc, sap rfc function", "SAP Java Connector"),
    Group("dynamics365businesscentral", "microsoft dynamics, navision, d365", "Dynamics"),
    Group("guidewire insnow", "insurance policy, insurance claim, insurance", "insurance"),
    Group("fhir health", "ehr, emr, electronic health record, cerner, patient record", "health"),
    Group("epicconnect", "epic ehr, epic systems, epic mychart", "epic.com: an EHR"),
    Group("hl7v2", "hl7, adt message, hl7 message, mllp", "hl7.org"),
    Group("ccdatofhir", "c cda, ccda, clinical document", "hl7.org: Consolidated CDA"),
    Group("copybook", "mainframe, cics, ebcdic", "IBM: data of COBOL programs"),
    Group("edi edifact", "850 purchase order, as2 message, 810 invoice", "EDI"),
    # Databases, brokers and stores.
    Group(
        "dynamodb cosmosdb mongodb clouddatastore",
        "cassandra, scylladb, couchbase, couchdb, hbase, firestore, firebase, document database, "
        "key value store, arangodb, ravendb",
        "databases without SQL",
    ),
    Group("cosmosdb", "cosmos, cosmos db", "azure.microsoft.com: Azure Cosmos DB"),
    Group("elasticsearch", "algolia, opensearch, solr, lucene, meilisearch", "search engines"),
    Group("elasticsearch", "typesense, kibana, full text search", "search engines"),
    Group("mysql", "mariadb, percona, planetscale, vitess, tidb", "speak MySQL's protocol"),
    Group(
        "postgresql",
        "cockroachdb, supabase, timescaledb, greenplum, postgis, aurora, yugabytedb",
        "speak PostgreSQL's protocol",
    ),
    Group("mssql", "azure sql, microsoft sql, sqlserver, tsql, t sql", "Microsoft SQL Server"),
    Group("oracledb", "oracle database, plsql, oracle", "oracle.com: Oracle Database"),
    Group(
        "jdbc h2",
        "sqlite, derby, hsqldb, duckdb, embedded database, in memory database, db2, informix, "
        "sybase, teradata, vertica, trino, clickhouse, firebird",
        "have JDBC drivers",
    ),
    Group("bigquery redshift snowflake", "databricks, synapse, data warehouse", "warehouses"),
    Group("redis cache", "memcached, valkey, dragonfly", "caches"),
    Group(
        "kafka eventhub pubsub cloudpubsub",
        "kinesis, pulsar, redpanda, eventbridge, event stream, stream processing",
        "event streams",
    ),
    Group(
        "rabbitmq activemq jms sqs asb",
        "zeromq, solace, tibco ems, artemis, msmq, qpid, azure queue, message queue",
        "message queues",
    ),
    Group("ibmmq", "ibm mq, websphere mq, mqseries, queue manager", "ibm.com: IBM MQ"),
    Group("cregistry", "schema registry, confluent", "confluent.io: Schema Registry"),
    Group(
        "s3 storage",
        "minio, wasabi, backblaze, object storage, google cloud storage, bucket, spaces storage",
        "object storage",
    ),
    Group("storage", "azure blob, azure file share", "Azure Storage"),
    Group(
        "pinecone weaviate",
        "milvus, qdrant, chroma, chromadb, pgvector, vector database",
        "vectors",
    ),
    Group("weaviate pinecone", "vector db, vector store, similarity search", "vectors"),
    Group(
        "openai chat text",
        "claude, anthropic, gemini, mistral, cohere, llama, bedrock, vertex ai, perplexity, "
        "deepseek, hugging face, chat completion, generative ai, text generation",
        "language models",
    ),
    Group("embeddings", "text embedding, embed text", "openai.com: embeddings"),
    Group("moderations", "abusive text, toxic, profanity filter", "openai.com"),
    Group(
        "audio",
        "speech to text, transcribe, transcription, deepgram, assemblyai, whisper",
        "speech",
    ),
    Group("cloudtranslation", "translate, deepl", "translation"),
    Group(
        "cloudnaturallanguage textanalytics symantotextanalytics text2data",
        "sentiment, sentiment analysis, nlp, comprehend, natural language, entity extraction",
        "text analysis",
    ),
    Group("anomalydetector anomalydetection", "anomaly, outlier", "anomaly detection"),
    Group("vision", "ocr, tesseract, textract, image recognition", "computer vision"),
    Group("pdfbox pdfbroker api2pdf", "itext, html to pdf, wkhtmltopdf, pdf file, pdf", "PDF"),
    Group("squareup", "square", "squareup.com: Square"),
    Group("mssql", "ms sql", "Microsoft SQL Server"),
    Group("outlook onedrive teams", "office 365, microsoft 365", "microsoft.com: Microsoft 365"),
)
