"""Read the declarations of Ballerina sources: `shared.ballerina.declarations.read_source`.

syntax.py        the declarations and types of a source file, as immutable values
lexer.py         source text as tokens
doc_comments.py  the parts of a doc comment
types.py         type descriptors and the limit of their nesting, annotations, fields, methods
declarations.py  all that a file declares, with recovery after what cannot be read
"""
