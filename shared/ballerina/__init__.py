"""Read the declarations of Ballerina sources: `shared.ballerina.declarations.read_source`.

syntax.py        the declarations and types of a source file, as immutable values
lexer.py         source text as tokens
signatures.py    doc comments, annotations, parameters, fields and methods
types.py         type descriptors, and the limit of their nesting
definitions.py   imports, types, enums, constants, variables, annotations
declarations.py  the declarations of a file, with recovery after what cannot be read
"""
