"""Releases of invented packages, for a demo registry where no index of real packages is at hand."""

from collections.abc import Iterator

from bench.generated_texts import GeneratedRelease

# Names, keywords and dependencies; each package comes after those that it depends on.
_PACKAGES = """
acme/retry          resilience,http
acme/money          currency,finance
acme/money.tax      tax,finance                 acme/money
acme/calendar       date,time
acme/templates      text,html
acme/mailer         mail,smtp                   acme/templates acme/retry
acme/invoices       billing,finance             acme/money.tax acme/mailer acme/calendar
northwind/orders    commerce                    acme/money acme/retry
northwind/stock     commerce,warehouse          northwind/orders
northwind/shipping  commerce,logistics          northwind/orders acme/calendar
northwind/shop      commerce,web                northwind/stock northwind/shipping acme/invoices
northwind/reviews   commerce,web                acme/templates
geo/coordinates     geography,maps
geo/routes          geography,maps,logistics    geo/coordinates acme/retry
geo/weather         weather,http                geo/coordinates acme/retry
geo/postcodes       geography,address           geo/coordinates
data/csv            csv,text,format
data/tables         data,format                 data/csv
data/charts         chart,svg                   data/tables
data/pipeline       data,stream                 data/tables acme/retry
data/sampling       statistics                  data/tables
tools/tool.schedule tool,schedule               acme/calendar
tools/tool.lint     tool,quality
tools/template.web  template,web                acme/templates
iot/sensors         iot,mqtt                    acme/retry
iot/trigger.alarms  iot,trigger                 iot/sensors
iot/meters          iot,energy                  iot/sensors data/csv
health/records      health,privacy              acme/calendar
health/labs         health                      health/records data/tables
media/images        image,format
media/thumbnails    image,cache                 media/images acme/retry
media/captions      video,text                  acme/templates
"""
_LANGUAGES = ("2201.6.0", "2201.8.4", "2201.9.2", "2201.10.0", "2201.12.0")
_VERSIONS = ("0.9.0", "1.0.0", "1.1.0", "1.2.1", "2.0.0")
_FEWEST, _SPREAD = 2, 4


def invented_releases() -> Iterator[GeneratedRelease]:
    """Yield some versions of each package, each with the newest version of its dependencies."""
    newest: dict[str, str] = {}
    for row in _PACKAGES.strip().splitlines():
        package, keywords, *dependencies = row.split()
        org, name = package.split("/")
        count = _FEWEST + len(package) % _SPREAD
        known = [dict(zip(("org", "name"), each.split("/"), strict=True)) for each in dependencies]
        chosen = list(zip(_VERSIONS, _LANGUAGES, strict=True))[-count:]
        for version, language in chosen:
            release = {
                "org": org,
                "name": name,
                "version": version,
                "platform": "any",
                "ballerina_version": language,
                "is_deprecated": version.startswith("0."),
                "deprecation_message": "",
                "modules": [{"name": name}],
                "dependencies": [
                    {**each, "version": newest[f"{each['org']}/{each['name']}"]} for each in known
                ],
                "is_invented": True,
            }
            yield GeneratedRelease(release, keywords.split(","))
        newest[package] = chosen[-1][0]
