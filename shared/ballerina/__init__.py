"""Read the declarations of Ballerina sources.

syntax.py        the declarations and types of a source file, as immutable values
lexer.py         source text as tokens
doc_comments.py  the parts of a doc comment
types.py         type descriptors
declarations.py  module-level declarations, with recovery after what cannot be read
printing.py      declarations and types as source text
"""
