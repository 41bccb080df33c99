"""Documentation of sources that tests write."""

from shared.ballerina.declarations import read_source
from shared.domain.api_docs.generator import ModuleSource, PackageSources, generate
from shared.domain.api_docs.model import ModuleDocs, Type
from shared.domain.names import Coordinate
from shared.domain.packages import Graph


def module_docs(source: str, name: str = "greet") -> ModuleDocs:
    """Return the documentation of a module of acme/greet:1.0.0 with this source."""
    module = ModuleSource(name=name, files=(read_source("main.bal", source),))
    sources = PackageSources(Coordinate.parse("acme", "greet", "1.0.0"), (module,))
    (docs,) = generate(sources, Graph()).modules
    return docs


def type_of(text: str) -> Type:
    """Return a documented type; `Item` is a record of its module, and `Problem` an error."""
    source = f"public type Item record {{}}; public type Problem error; public {text} value;"
    (variable,) = module_docs(source).variables
    assert variable.type
    return variable.type
