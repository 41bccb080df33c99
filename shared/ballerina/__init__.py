"""Read the declarations of Ballerina sources: `shared.ballerina.declarations.read_source`.

syntax.py        the declarations and types of a source file, as immutable values
lexer.py         source text as tokens
doc_comments.py  the parts of a doc comment
signatures.py    annotations, parameters, fields and methods
types.py         type descriptors, and the limit of their nesting
declarations.py  all that a file declares, with recovery after what cannot be read
"""
