"""Former, informal and abbreviated names of products that have packages.

The source of an entry is the site of the product, which its last part names.
"""

from shared.adapters.search.vocabulary import Group

NAMES = (
    # Google.
    Group(
        "googleapis", "g suite, gsuite, google workspace, google apps, google cloud", "google.com"
    ),
    Group("people", "g suite contact, gmail contact, google address book", "People API"),
    Group("gmail", "google inbox, googlemail", "gmail.com"),
    Group("drive", "google file, gdrive folder", "google.com/drive"),
    Group(
        "slides",
        "presentation slide",
        "google.com/slides",
    ),
    Group(
        "sheets gsheets",
        "gsheet row",
        "google.com/sheets",
    ),
    Group(
        "mybusiness",
        "google listing, google review",
        "Google My Business",
    ),
    Group(
        "clouddatastore",
        "gae datastore",
        "cloud.google.com",
    ),
    Group(
        "cloudpubsub",
        "gcp pub sub",
        "cloud.google.com/pubsub",
    ),
    Group("cloudfunctions", "gcf, google function", "cloud.google.com/functions"),
    Group("cloudnaturallanguage", "google nlp, google sentiment", "cloud.google.com"),
    Group(
        "vision",
        "cloud vision, google lens, label detection",
        "Vision API",
    ),
    Group("cloudtalentsolution", "cloud jobs, job listing, recruiting search", "cloud.google.com"),
    Group(
        "cloudscheduler",
        "gcp cron, gcp scheduler",
        "cloud.google.com/scheduler",
    ),
    Group(
        "cloudfilestore",
        "google nfs",
        "cloud.google.com/filestore",
    ),
    Group("cloudbillingaccount", "gcp billing, google billing", "cloud.google.com/billing"),
    Group("retail", "product recommendation, retail catalog", "cloud.google.com/retail"),
    Group("manufacturercenter", "manufacturer product data", "Google Manufacturer Center"),
    Group("blogger", "blogspot", "blogger.com: its blogs are at blogspot.com"),
    # Microsoft.
    Group("onedrive", "skydrive, microsoft drive, onedrive for business", "microsoft.com"),
    Group(
        "outlook",
        "live mail, msn mail, exchange mail",
        "outlook.com",
    ),
    Group("teams", "skype for business, lync", "microsoft.com: Teams replaced Skype for Business"),
    Group(
        "onenote",
        "note taking, notebook",
        "onenote.com",
    ),
    Group("dynamics365businesscentral", "dynamics nav, nav erp, business central", "microsoft.com"),
    Group(
        "ad",
        "azure active directory, aadsts700016, msal",
        "Microsoft Entra ID",
    ),
    Group("cosmosdb", "documentdb, azure nosql", "azure.microsoft.com: was DocumentDB"),
    Group(
        "asb",
        "azure topic",
        "Azure Service Bus",
    ),
    Group(
        "eventhub",
        "azure kafka",
        "Azure Event Hubs",
    ),
    Group("textanalytics", "cognitive service language, azure ai language", "azure.microsoft.com"),
    Group("sqldb", "azure sql database", "azure.microsoft.com"),
    Group(
        "analysisservices",
        "ssas, olap cube",
        "Azure Analysis Services",
    ),
    Group("bing", "bing search, search suggestion, autosuggest", "bing.com"),
    # Amazon.
    Group("simpledb", "aws simple database", "aws.amazon.com/simpledb"),
    Group("redshiftdata", "redshift data api", "aws.amazon.com/redshift"),
    Group("dynamodbstreams", "dynamodb change data, dynamo stream, table change", "aws.amazon.com"),
    # Customers, marketing and support.
    Group("keap", "infusionsoft", "keap.com: Infusionsoft is now Keap"),
    Group("pardot", "account engagement, marketing cloud account engagement", "salesforce.com"),
    Group("einstein", "salesforce ai, einstein vision, einstein bot", "salesforce.com"),
    Group(
        "salesforce",
        "sforce, force com, sobject, apex trigger",
        "salesforce.com",
    ),
    Group(
        "sugarcrm",
        "sugar sell",
        "sugarcrm.com",
    ),
    Group("insightly", "insightly crm", "insightly.com"),
    Group("capsulecrm", "capsule crm", "capsulecrm.com"),
    Group(
        "servicenow",
        "snow incident, snow ticket, service now",
        "servicenow.com",
    ),
    Group("constantcontact mailchimp", "mailerlite, mailer lite, drip, moosend, benchmark", "mail"),
    Group("eloqua", "oracle eloqua, oracle marketing cloud", "oracle.com"),
    Group(
        "ritekit",
        "hashtag suggestion",
        "ritekit.com",
    ),
    Group(
        "facebook",
        "meta business, facebook ad, ad campaign",
        "facebook.com",
    ),
    Group("instagram", "ig post, reel", "instagram.com"),
    Group("whatsapp", "wa business, waba, whats app", "business.whatsapp.com"),
    Group("dev", "dev community, dev to article", "dev.to"),
    Group("disqus", "blog comment, comment thread, comment section", "disqus.com"),
    Group(
        "candid",
        "guidestar, foundation center",
        "candid.org",
    ),
    # Work.
    Group("shortcut", "clubhouse io, clubhouse project", "shortcut.com: was Clubhouse"),
    Group(
        "trello asana",
        "kanban board",
        "trello.com",
    ),
    Group(
        "quickbase",
        "smartsheet, low code app",
        "quickbase.com",
    ),
    Group("notion", "wiki page, confluence, knowledge base", "notion.so"),
    Group("prodpad", "product roadmap, product board, aha roadmap", "prodpad.com"),
    Group(
        "openair avaza",
        "time tracking, harvest, toggl, clockify",
        "openair.com",
    ),
    Group(
        "formstack",
        "survey form",
        "formstack.com",
    ),
    Group(
        "leanix",
        "application landscape",
        "leanix.net",
    ),
    Group("rumble", "runzero, network discovery, asset inventory, nmap", "rumble.run: is runZero"),
    # Employees and money.
    Group("dayforce", "ceridian", "dayforce.com: Ceridian Dayforce"),
    Group("litmos", "success factor, successfactors learning", "litmos.com"),
    Group("adp", "adp workforce", "adp.com"),
    Group("peoplehr", "people hr", "peoplehr.com"),
    Group("compensation", "pay grade, compensation plan", "workday.com"),
    Group("absencemanagement", "leave request, time off request, vacation balance", "workday.com"),
    Group("accountspayable", "supplier invoice, pay supplier, vendor bill", "workday.com"),
    Group("coreaccounting", "journal entry, chart of account", "workday.com"),
    Group(
        "bankfeeds",
        "bank statement import",
        "xero.com",
    ),
    Group(
        "yodlee",
        "envestnet",
        "yodlee.com",
    ),
    Group("zuora", "zuora billing, revenue recognition, revpro", "zuora.com"),
    Group("ynab", "you need a budget", "ynab.com: You Need A Budget"),
    Group(
        "avatax",
        "calculate tax",
        "avalara.com",
    ),
    Group(
        "nowpayments",
        "pay with crypto",
        "nowpayments.io",
    ),
    Group(
        "storecove",
        "einvoice, peppol network",
        "storecove.com",
    ),
    Group("reckon", "reckon accounting", "reckon.com"),
    # Shops, travel and parcels.
    Group(
        "squareup",
        "square register, card reader",
        "squareup.com: Square",
    ),
    Group("beezup", "product feed, marketplace feed", "beezup.com"),
    Group(
        "samcart selz",
        "gumroad, landing page checkout",
        "samcart.com",
    ),
    Group("amadeus", "airfare, book flight, plane ticket, gds, flight price", "amadeus.com"),
    Group("shipwire", "fulfillment, warehouse stock, order fulfilment", "shipwire.com"),
    Group("negotiation", "offer to buyer, haggle", "ebay.com"),
    # News, media and data.
    Group("nytimes", "ny times, new york time article", "nytimes.com"),
    Group(
        "books",
        "best seller, book review",
        "nytimes.com and books.google.com",
    ),
    Group("moviereviews", "film review, movie critic", "nytimes.com"),
    Group("listen", "podcast search, episode, spotify podcast", "listennotes.com"),
    Group(
        "bisstats",
        "bank for international settlement",
        "bis.org",
    ),
    Group("earthref", "earth science data, geological", "earthref.org"),
    Group("odweather openweathermap", "rain, humidity, wind speed, sunny", "weather"),
    Group("ip2whois", "registered domain, who owns domain, domain registrant", "ip2whois.com"),
    Group("iptwist ipgeolocation", "country of ip, visitor country, ip to country", "IPs"),
    Group(
        "domains",
        "domain available",
        "godaddy.com",
    ),
    Group("certificates", "ssl certificate, tls certificate order", "godaddy.com"),
    Group(
        "globalpageload",
        "site performance",
        "interzoid.com",
    ),
    Group(
        "emailinfo validate",
        "email verification, verify email",
        "interzoid.com",
    ),
    Group(
        "verify verification smsverification",
        "fake phone number, one time code, sms code, verify phone, phone verification, two factor",
        "vonage.com, sinch.com",
    ),
    Group("virusscan", "scan upload, infected file, malware scan", "cloudmersive.com"),
    Group("moderations", "hateful, hate speech, offensive comment, abusive comment", "openai.com"),
    Group("fraudlabspro", "stolen card, fraudulent order, risky order", "fraudlabspro.com"),
    Group("barcode", "scan barcode, barcode image, generate qr", "cloudmersive.com"),
    Group("browshot", "website screenshot, capture page", "browshot.com"),
    Group("whohoststhis", "hosting company of site, who is hosting", "who-hosts-this.com"),
    # What happens elsewhere.
    Group(
        "trigger",
        "get notified, notified, notify me when, react when, whenever, fire when, event fired, "
        "subscribe to event, new event listener",
        "Ballerina documentation: triggers",
    ),
)
