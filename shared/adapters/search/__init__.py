"""The search index: words and texts of one row per package, in an SQLite file of its own.

index.py       the SearchIndex port
queries.py     answering a query: a page of matches, facets, totals, suggestions
query_plan.py  from a query to its words and restrictions
matching.py    the packages that a plan finds, their scores and order
ranking.py     the weights of results
vocabulary.py  words that mean the same, say nothing or say little, read from vocabulary/
postings.py    which packages have a word, and numbers of all packages
indexed_words.py    the words by which a package is found and counted, and where they stand
symbols.py     the symbols of packages, and finding them by their names and packages
rows.py        the rows of a package, how they change, and the tables
spelling.py    the known words that a mistyped one is near to
words.py       how texts are divided into words and stems"""
