"""The search index: full text over one row per package, in an SQLite file of its own.

index.py       the SearchIndex port, and rebuilding the index beside the one that is searched
queries.py     answering a query: tiers of matches, facets, totals, suggestions
query_plan.py  from a query to the full-text expressions that answer it
ranking.py     the weights of results
rows.py        what is stored of a package, and how rows change
schema.py      the tables
words.py       how texts are divided into words, and spelling suggestions"""
