// Binds queries of Kusto to tables with Microsoft's own parser, and prints what each names.
//
// The argument is the folder of the parser. Standard input has {"tables": {"Name": "(Column:type, …)"},
// "queries": {"name": "text"}}; standard output has for each query its problems, the tables that it
// reads, the paths of values, and the texts that a path is compared with.

const { join } = require("path");

const [folder] = process.argv.slice(2);
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  require(join(folder, file));
}
const { KustoCode, GlobalState, Symbols, Syntax } = global.Kusto.Language;

const CONVERSIONS = ["tostring", "toint", "tolong", "todouble", "todatetime", "parse_json", "todynamic"];
const COMPARISONS = ["==", "!=", "=~", "!~", "has", "contains", "startswith", "!startswith", "endswith"];

function children(node) {
  return Array.from({ length: node.ChildCount }, (_, place) => node.GetChild(place)).filter(Boolean);
}

function* nodes(node) {
  yield node;
  for (const child of children(node)) {
    yield* nodes(child);
  }
}

function is(node, kind) {
  return global.Bridge.is(node, Syntax[kind]);
}

// The path of a value in what its table has: `Properties.task` also behind `extend task = tostring(…)`.
function pathOf(node, known) {
  if (is(node, "ParenthesizedExpression")) {
    return pathOf(node.Expression, known);
  }
  if (is(node, "NameReference")) {
    return known.get(node.SimpleName) ?? node.SimpleName;
  }
  if (is(node, "PathExpression")) {
    const of = pathOf(node.Expression, known);
    return of && is(node.Selector, "NameReference") ? `${of}.${node.Selector.SimpleName}` : null;
  }
  if (is(node, "ElementExpression")) {
    const of = pathOf(node.Expression, known);
    const [key] = texts(node.Selector);
    return of && key ? `${of}.${key}` : null;
  }
  if (is(node, "FunctionCallExpression") && CONVERSIONS.includes(node.Name.SimpleName)) {
    const [first] = node.ArgumentList.Expressions.ToArray
      ? node.ArgumentList.Expressions.ToArray()
      : children(node.ArgumentList.Expressions);
    return first ? pathOf(is(first, "Expression") ? first : children(first)[0], known) : null;
  }
  return null;
}

function texts(node) {
  return [...nodes(node)].filter((each) => is(each, "LiteralExpression")).map((each) => each.LiteralValue);
}

function describe(text, globals) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const found = code.GetDiagnostics();
  const problems = Array.from({ length: found.Count }, (_, place) => {
    const each = found.getItem(place);
    return `${each.Message} (${text.substr(each.Start, each.Length)})`;
  });
  const known = new Map();
  const paths = new Set();
  const tables = new Set();
  const compared = [];
  for (const node of nodes(code.Syntax)) {
    if (is(node, "SimpleNamedExpression")) {
      const path = pathOf(node.Expression, known);
      if (path) {
        known.set(node.Name.SimpleName, path);
      }
    } else if (is(node, "NameReference") && global.Bridge.is(node.ReferencedSymbol, Symbols.TableSymbol)) {
      if (node.ReferencedSymbol.Name === node.SimpleName && globals.Database.GetTable(node.SimpleName)) {
        tables.add(node.SimpleName);
      }
    } else if (is(node, "BinaryExpression") && COMPARISONS.includes(node.Operator.Text)) {
      const path = pathOf(node.Left, known);
      compared.push(...texts(node.Right).map((value) => [path, value]));
    } else if (is(node, "InExpression") || is(node, "HasAnyExpression")) {
      const path = pathOf(node.Left, known);
      compared.push(...texts(node.Right).map((value) => [path, value]));
    } else if (is(node, "DataTableExpression")) {
      const columns = [...nodes(node.Schema)].filter((each) => is(each, "NameAndTypeDeclaration"));
      const values = [...nodes(node.Values)].filter((each) => is(each, "LiteralExpression"));
      values.forEach((each, place) => {
        compared.push([columns[place % columns.length].Name.SimpleName, each.LiteralValue]);
      });
    }
    if (is(node, "PathExpression") || is(node, "ElementExpression")) {
      const path = pathOf(node, known);
      if (path) {
        paths.add(path);
      }
    }
  }
  const plain = compared.filter(([, value]) => typeof value === "string");
  return { problems, tables: [...tables], paths: [...paths], compared: plain };
}

const { tables, queries } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const symbols = Object.entries(tables).map(([name, columns]) => new Symbols.TableSymbol.$ctor7(name, columns, null));
const database = new Symbols.DatabaseSymbol.$ctor2("workspace", null, symbols);
const globals = GlobalState.Default.WithDatabase(database);
const described = Object.entries(queries).map(([name, text]) => [name, describe(text, globals)]);
process.stdout.write(JSON.stringify(Object.fromEntries(described)));
