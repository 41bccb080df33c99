"""Archives as the clients pack them: `bala("acme/greet:1.0.0")` is a small, valid package."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_DATE = (1980, 1, 1, 0, 0, 0)  # The earliest that a zip can say.


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a bala shall hold; empty fields are left out, as the clients leave them out."""

    layout: int = 3  # 2 and 3 as the Java client packs, 4 as the Go client does.
    platform: str = "any"
    ballerina_version: str = "2201.12.0"
    dependencies: Iterable[str] = ()  # Direct ones, each as "org/name:version".
    transitive: Mapping[str, Iterable[str]] | None = None  # A dependency -> what it depends on.
    modules: Iterable[str] = ()  # Beside the default module: "sub" or "greet.sub".
    exported: Iterable[str] | None = None  # Full names; by default every module.
    keywords: Iterable[str] = ()
    licenses: Iterable[str] = ()
    authors: Iterable[str] = ()
    source_repository: str = ""
    summary: str = ""  # The field `description`.
    readme: str | None = None  # None: a short text; "": no documentation at all.
    module_readmes: Mapping[str, str] | None = None  # Full name -> text.
    visibility: str = ""
    icon: bytes = b""
    template: bool = False
    graalvm: bool | None = None
    tools: Iterable[str] = ()
    compiler_plugin: str = ""  # The class of the plugin.
    sbom: bytes = b""
    manifest: Mapping[str, object] | None = None  # More fields of package.json or [package].
    entries: Mapping[str, bytes | str] | None = None  # More files, or others for the same names.
    padding: int = 0  # Bytes that do not pack, in resources: the archive grows by them.


def bala(coordinate: str = "acme/greet:1.0.0", /, **spec: Any) -> bytes:
    """Return the archive of the package `org/name:version`; `Spec` lists what it can hold."""
    return zipped(files(coordinate, Spec(**spec)))


def files(coordinate: str, spec: Spec) -> dict[str, bytes | str]:
    """Return the files of a package by their names."""
    package = _Names.of(coordinate)
    found = _go_files(package, spec) if spec.layout == 4 else _java_files(package, spec)
    found |= _common_files(spec)
    return found | dict(spec.entries or {})


def zipped(content: Mapping[str, bytes | str]) -> bytes:
    """Return a zip with these files; a name that ends in a slash is a folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = 0  # The same on every system.
            info.compress_type = zipfile.ZIP_STORED if name.endswith("/") else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return buffer.getvalue()


def repacked(archive: bytes, changes: Mapping[str, bytes | None] | None = None) -> bytes:
    """Return the files of an archive as another run of `bal pack` could pack them: in another
    order, at another time, uncompressed and with folders. `changes` are other contents of files;
    None leaves one out."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        content: dict[str, bytes | None] = {each: packed.read(each) for each in packed.namelist()}
    content |= changes or {}
    files = {name: data for name, data in content.items() if data is not None}
    folders = {f"{name.rpartition('/')[0]}/" for name in files if "/" in name}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as again:
        for name in sorted(folders | files.keys(), reverse=True):
            info = zipfile.ZipInfo(name, (2026, 9, 21, 14, 13, 20))
            info.external_attr = 0o40755 << 16 if name.endswith("/") else 0o100644 << 16
            again.writestr(info, files.get(name, b""))
    return buffer.getvalue()


@dataclass(frozen=True)
class _Names:
    org: str
    name: str
    version: str

    @classmethod
    def of(cls, coordinate: str) -> "_Names":
        package, _, version = coordinate.partition(":")
        org, _, name = package.partition("/")
        return cls(org, name, version)

    def json(self) -> dict[str, object]:
        return {"org": self.org, "name": self.name, "version": self.version}

    def modules(self, spec: Spec) -> list[str]:
        """Return the full names of all modules."""
        subs = [each.removeprefix(f"{self.name}.") for each in spec.modules]
        return [self.name, *(f"{self.name}.{sub}" for sub in subs)]

    def readme(self, spec: Spec) -> str:
        return f"Greets from {self.name}.\n" if spec.readme is None else spec.readme


def _without_empty(fields: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value not in ("", [], None)}


# --- layouts 2 and 3 ---------------------------------------------------------------------------


def _java_files(package: _Names, spec: Spec) -> dict[str, bytes | str]:
    bala_json = {"bala_version": f"{spec.layout}.0.0", "built_by": "WSO2"}
    found: dict[str, bytes | str] = {
        "bala.json": _json(bala_json),
        "package.json": _json(_package_json(package, spec)),
        "dependency-graph.json": _json(_graph_json(package, spec)),
    }
    for module in package.modules(spec):
        found[f"modules/{module}/{module}.bal"] = _source(module)
    return found | _java_docs(package, spec)


def _package_json(package: _Names, spec: Spec) -> dict[str, object]:
    modules = package.modules(spec)
    fields: dict[str, object] = {
        "organization": package.org,
        "name": package.name,
        "version": package.version,
        "licenses": list(spec.licenses),
        "authors": list(spec.authors),
        "source_repository": spec.source_repository,
        "keywords": list(spec.keywords),
        "export": modules if spec.exported is None else list(spec.exported),
        "visibility": spec.visibility,
        "ballerina_version": spec.ballerina_version,
        "implementation_vendor": "WSO2",
        "language_spec_version": "2024R1",
        "platform": spec.platform,
        "template": spec.template,
        "graalvmCompatible": spec.graalvm,
        "icon": "docs/icon.png" if spec.icon else "",
        "description": spec.summary,
    }
    if spec.layout == 3 and package.readme(spec):
        fields["readme"] = "docs/README.md"
    return _without_empty(fields) | dict(spec.manifest or {})


def _java_docs(package: _Names, spec: Spec) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    if package.readme(spec):
        name = "docs/Package.md" if spec.layout == 2 else "docs/README.md"
        found[name] = package.readme(spec)
    text = "Module.md" if spec.layout == 2 else "README.md"
    for module, readme in (spec.module_readmes or {}).items():
        found[f"docs/modules/{module}/{text}"] = readme
    if spec.icon:
        found["docs/icon.png"] = spec.icon
    return found


def _graph_json(package: _Names, spec: Spec) -> dict[str, object]:
    direct = [_Names.of(each).json() for each in spec.dependencies]
    nodes = [package.json() | {"transitive": False, "dependencies": direct, "modules": []}]
    for coordinate, needed in _transitive(spec).items():
        inner = [_Names.of(each).json() for each in needed]
        nodes.append(_Names.of(coordinate).json() | {"transitive": True, "dependencies": inner})
    return {"packages": nodes, "modules": []}


def _transitive(spec: Spec) -> dict[str, list[str]]:
    """Return every other package of the graph with what it depends on."""
    known = {each: list(needed) for each, needed in (spec.transitive or {}).items()}
    named = [*spec.dependencies, *(each for needed in known.values() for each in needed)]
    return {each: [] for each in named} | known


# --- layout 4 ----------------------------------------------------------------------------------


def _go_files(package: _Names, spec: Spec) -> dict[str, bytes | str]:
    build = {
        "ballerina_version": spec.ballerina_version,
        "implementation_vendor": "WSO2",
        "language_spec_version": "2024R1",
        "platform": spec.platform,
    }
    found: dict[str, bytes | str] = {
        "Bala.toml": _toml("bala", {"schema_version": "4"}) + _toml("build", build),
        "Ballerina.toml": _toml("package", _package_table(package, spec)),
        "Dependencies.toml": _dependencies_toml(package, spec),
        f"{package.name}.bal": _source(package.name),
    }
    for module in package.modules(spec)[1:]:
        folder = f"modules/{module.removeprefix(f'{package.name}.')}"
        found[f"{folder}/{module}.bal"] = _source(module)
        if module in (spec.module_readmes or {}):
            found[f"{folder}/README.md"] = (spec.module_readmes or {})[module]
    if package.readme(spec):
        found["README.md"] = package.readme(spec)
    return found | ({"icon.png": spec.icon} if spec.icon else {})


def _package_table(package: _Names, spec: Spec) -> dict[str, object]:
    fields: dict[str, object] = {
        **package.json(),
        "license": list(spec.licenses),
        "authors": list(spec.authors),
        "keywords": list(spec.keywords),
        "repository": spec.source_repository,
        "visibility": spec.visibility,
        "icon": "icon.png" if spec.icon else "",
        "description": spec.summary,
        "export": package.modules(spec) if spec.exported is None else list(spec.exported),
        "template": spec.template,
    }
    return _without_empty(fields) | dict(spec.manifest or {})


def _dependencies_toml(package: _Names, spec: Spec) -> str:
    graph = {f"{package.org}/{package.name}:{package.version}": list(spec.dependencies)}
    text = _toml("ballerina", {"dependencies-toml-version": "2"})
    for coordinate, needed in (graph | _transitive(spec)).items():
        inner = ", ".join(
            f"{{org = {_json(each.org)}, name = {_json(each.name)}}}"
            for each in map(_Names.of, needed)
        )
        text += f"[{_toml('package', _Names.of(coordinate).json()).replace(']', ']]', 1)}"
        text += f"dependencies = [{inner}]\n\n" if inner else ""
    return text


def _toml(table: str, fields: Mapping[str, object]) -> str:
    lines = "".join(f"{key} = {_json(value)}\n" for key, value in fields.items())
    return f"[{table}]\n{lines}\n"


# --- what all layouts share --------------------------------------------------------------------


def _common_files(spec: Spec) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    tools = list(spec.tools)
    if tools:
        listed = {"tool_id": tools[0]} if len(tools) == 1 else {"tools": tools}
        found["tool/bal-tool.json"] = _json({**listed, "dependency_paths": ["tool/libs/tool.jar"]})
        found["tool/libs/tool.jar"] = noise(64)
    if spec.compiler_plugin:
        plugin = {"plugin_class": spec.compiler_plugin, "dependency_paths": []}
        found["compiler-plugin/compiler-plugin.json"] = _json(plugin)
    if spec.sbom:
        found["bom.cdx.json"] = spec.sbom
    if spec.padding:
        found["resources/padding.bin"] = noise(spec.padding)
    return found


def noise(length: int) -> bytes:
    """Return bytes that no compression makes smaller, the same ones each time."""
    return hashlib.shake_256(b"padding").digest(length)


def _source(module: str) -> str:
    return f'public function greet() returns string => "Hello from {module}";\n'


def _json(value: object) -> str:
    return json.dumps(value, indent=None)
