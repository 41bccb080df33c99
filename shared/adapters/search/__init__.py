"""The search index: words and texts of one row per package, in an SQLite file of its own.

index.py       the SearchIndex port
queries.py     answering a query: a page of matches, facets, totals, suggestions
query_plan.py  from a query to its words and restrictions
matching.py    the packages that a plan finds, and what its words are worth in each
ordering.py    the scores of these packages, and those of a page
facets.py      how these packages divide
ranking.py     the weights of results
query_words.py what a query does not want, and its German and Spanish words
synonyms.py    words that mean the same, read from vocabulary/
vocabulary/    words, products, libraries, error texts, standards, tasks and needs, a group a line
places.py      where the words of a package stand
postings.py    which packages have a word, and numbers of all packages
indexed_words.py    the words by which a package is found, and those that it is counted by
stored_listings.py  what is stored of a listing
symbols.py     the symbols of packages, and finding them by their names
named_symbols.py    the symbols of the packages that a query names, and those with most words
rows.py        the rows of a package, and how they change
schema.py      the tables
spelling.py    the known words that a mistyped one is near to
words.py       how texts are divided into words and stems"""
