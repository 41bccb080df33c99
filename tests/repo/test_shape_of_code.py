"""Functions are short, speak for themselves, and take the time from one place."""

import ast

from tests.repo.product_source import Definition, Function, Module, product

LONGEST = 60  # Lines.
# One call of a constructor for each service; parts of it would hide which service gets which.
LISTS_OF_SERVICES = ("build", "create_registry")
ARGUMENTS = 5  # By position; keyword-only ones are free.

# What asks the machine for the time of day.
CLOCKS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("time.time", "time.time_ns", "time.clock_gettime", "time.clock_gettime_ns"),
    *("time.gmtime", "time.localtime", "time.ctime"),
}
CLOCK_READERS = {
    "shared/adapters/system.py": "the adapter of the port `Clock`",
    "shared/log.py": "stamps lines, also before there is a registry",
    "shared/login.py": "runs on the machine of a client, without a registry",
}


def own_lines(function: Function) -> int:
    """Count the lines of a function without those of the functions inside it.

    So a function that makes others is as long as what it adds to them.
    """
    inner = [node for node in function.body if isinstance(node, Function)]
    return span(function) - sum(span(node) for node in inner)


def span(node: Definition) -> int:
    """Count the lines from `def` to the end."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def lists_services(module: Module, function: Function) -> bool:
    is_there = module.path == "shared/composition.py" or module.path.endswith("/group.py")
    return is_there and function.name in LISTS_OF_SERVICES


def positional(function: Function) -> list[str]:
    """Return the names of the arguments that may be given by position."""
    names = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def reads_a_clock(module: Module) -> bool:
    """Say whether a module asks the machine for the time of day."""
    names = {clock.rpartition(".")[2] for clock in CLOCKS}
    attributes = (node for node in module.find(ast.Attribute) if node.attr in names)
    return any(ast.unparse(node).endswith(tuple(CLOCKS)) for node in attributes)


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = [
        f"{module.path}:{function.lineno} {function.name}: {own_lines(function)} lines"
        for module in product()
        for function in module.functions()
        if own_lines(function) > LONGEST and not lists_services(module, function)
    ]
    assert not long, long


def test_no_function_takes_more_than_five_arguments_by_position() -> None:
    crowded = [
        f"{module.path}:{function.lineno} {function.name}"
        for module in product()
        for function in module.functions()
        if len(positional(function)) > ARGUMENTS
    ]
    assert not crowded, crowded


def test_every_module_says_what_it_is() -> None:
    silent = [module.path for module in product() if ast.get_docstring(module.tree) is None]
    assert not silent, silent


def test_the_time_of_day_is_read_in_the_files_that_have_a_reason() -> None:
    assert {module.path for module in product() if reads_a_clock(module)} == {*CLOCK_READERS}


def test_no_clock_is_imported_by_its_name() -> None:
    named = [
        f"{module.path}:{node.lineno}"
        for module in product()
        for node in module.find(ast.ImportFrom)
        if node.module == "time"
    ]
    assert not named, named
