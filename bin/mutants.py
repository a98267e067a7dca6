"""Run the mutation tests room by room, and print the results.

    .venv/bin/python bin/mutants.py [room | path | mutant]

A room is a table in `mutants.toml`: modules and their tests. Without an argument, or with a room,
only mutants without a result are tested. With a path or a mutant, the selected mutants are tested
again unless they were killed. `SAMPLE=120 SEED=1` in the environment tests that many random mutants
of each room, and prints only their results. `docs/mutants.md` explains the results.
"""

from __future__ import annotations

import math
import os
import random
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import libcst as cst
from mutant_session import MutantSession
from mutmut import __main__ as mutmut
from mutmut.configuration import config, reset_config
from mutmut.mutation import file_mutation, mutators
from mutmut.mutation.data import SourceFileMutationData
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import change_cwd, setup_source_paths, walk_mutatable_files

ROOT = Path(__file__).resolve().parents[1]
ROOMS: dict[str, dict[str, list[str]]] = tomllib.loads((ROOT / "mutants.toml").read_text())
# The working copies of the rooms, which keep the results.
COPIES = ROOT / "var" / "mutants"
# The number of mutants to draw from each room, or 0 for all. Smaller rooms are tested completely.
SAMPLE = int(os.environ.get("SAMPLE", "0"))
SEED = os.environ.get("SEED", "1")
COLUMNS = ("killed", "timeout", "survived", "no tests", "not checked")
# Arguments that only contain text for readers.
WORDING = frozenset({"hint", "heading", "label", "links"})
HEADER = re.compile(
    r'"[A-Z]+[a-z]+(-[A-Z][a-z]+)*"|"WWW-Authenticate"|"ETag"|"(X-)?RateLimit(-[A-Z][a-z]+)?"'
)
ACCESSORS = frozenset({"property", "cached_property"})


def main(only: str = "") -> int:
    """Test each room in its own process, then print all results."""
    named = module_of(only)
    rooms = [room for room in ROOMS if only in {"", room} or has_module(room, named)]
    if not rooms:
        print(f"No room in mutants.toml contains {only}.")
        return 2
    for room in rooms:
        subprocess.run([sys.executable, __file__, "--room", room, named], check=True)
    print_results()
    return 0


def module_of(only: str) -> str:
    """Return the module, package or mutant of an argument, or "" for a room."""
    return "" if only in ROOMS else only.removesuffix(".py").strip("/").replace("/", ".")


def has_module(room: str, named: str) -> bool:
    enter(room)
    return any(
        f"{named}.".startswith(f"{module}.") or f"{module}.".startswith(f"{named}.")
        for module in map(module_of, map(str, walk_mutatable_files()))
    )


def test_room(room: str, named: str) -> int:
    enter(room)
    leave_wording_alone()
    mutate_properties()
    remove_stale_copies()
    generate()
    if chosen := mutants(named):
        test_mutants(chosen, ROOMS[room]["tests"])
    return 0


def test_mutants(names: list[str], tests: list[str]) -> None:
    """Test mutants one by one, and store each result."""
    files = {mutant: data for data in results() for mutant in data.exit_code_by_key}
    setup_source_paths()
    with change_cwd("mutants"):
        session = MutantSession(tests)
    for number, mutant in enumerate(names, 1):
        with change_cwd("mutants"):
            code, killer = session.test(mutant)
        files[mutant].exit_code_by_key[mutant] = code
        files[mutant].save()
        print(f"{number}/{len(names)} {status_by_exit_code[code]} {mutant} {killer}", flush=True)


def enter(room: str) -> None:
    """Change to the working copy of a room. It contains links to the files that mutmut copies."""
    copy = COPIES / room
    copy.mkdir(parents=True, exist_ok=True)
    os.chdir(copy)
    link("pyproject.toml")
    reset_config()
    for path in (*config().source_paths, *config().also_copy):
        link(str(path))
    config().only_mutate = ROOMS[room]["modules"]


def link(name: str) -> None:
    if (ROOT / name).exists() and not Path(name).is_symlink():
        Path(name).symlink_to(ROOT / name)


# --- Mutations ------------------------------------------------------------------------------


def leave_wording_alone() -> None:
    """Skip sentences: strings with a space, and arguments for readers.

    Changes to the case of header names are skipped too, because headers are case-insensitive.
    """

    def strings(node: cst.BaseString) -> Iterable[cst.BaseString]:
        if is_wording(node):
            return ()
        mutated = mutators.operator_string(node)
        return islice(mutated, 1) if HEADER.fullmatch(code_of(node)) else mutated

    def arguments(node: cst.Call) -> Iterable[cst.Call]:
        for mutated in mutators.operator_arg_removal(node):
            kept = {id(argument) for argument in mutated.args}
            if not any(is_for_reader(arg) for arg in node.args if id(arg) not in kept):
                yield mutated

    ours = {mutators.operator_string: strings, mutators.operator_arg_removal: arguments}
    operators: Any = mutators.mutation_operators
    operators[:] = [(kind, ours.get(operator, operator)) for kind, operator in operators]
    visitor: Any = file_mutation.MutationVisitor
    skip = visitor._skip_node_and_children

    def skip_arguments(self: Any, node: cst.CSTNode) -> bool:
        return (isinstance(node, cst.Arg) and is_for_reader(node)) or bool(skip(self, node))

    visitor._skip_node_and_children = skip_arguments


def is_for_reader(argument: cst.Arg) -> bool:
    keyword = argument.keyword.value if argument.keyword else ""
    return keyword in WORDING or is_wording(argument.value)


def is_wording(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.BaseString) and " " in code_of(node)


def code_of(node: cst.CSTNode) -> str:
    return str(cst.Module([]).code_for_node(node))


def mutate_properties() -> None:
    """Mutate properties, which mutmut skips like other decorated functions."""
    module: Any = file_mutation
    skip = module.MutationVisitor._skip_node_and_children
    arrange = module.function_trampoline_arrangement

    def skip_no_property(self: Any, node: cst.CSTNode) -> bool:
        return not is_property(node) and bool(skip(self, node))

    def arrange_properties(function: cst.FunctionDef, *args: Any, **kwargs: Any) -> Any:
        if not is_property(function):
            return arrange(function, *args, **kwargs)
        declared, nodes, assigned, names = arrange(
            function.with_changes(decorators=()), *args, **kwargs
        )
        wrapper, *copies = nodes
        decorators = (*function.decorators, *wrapper.decorators)
        return declared, [wrapper.with_changes(decorators=decorators), *copies], assigned, names

    module.MutationVisitor._skip_node_and_children = skip_no_property
    module.function_trampoline_arrangement = arrange_properties


def is_property(node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.FunctionDef) or len(node.decorators) != 1:
        return False
    decorator = node.decorators[0].decorator
    return bool(isinstance(decorator, cst.Name) and decorator.value in ACCESSORS)


# --- Selection ------------------------------------------------------------------------------


def remove_stale_copies() -> None:
    """Remove copies of files that no longer exist, and incomplete copies."""
    for copy in Path("mutants").rglob("*.py"):
        source = copy.relative_to("mutants")
        if not source.exists() or (source.stat().st_size and not copy.stat().st_size):
            copy.unlink()


def generate() -> None:
    """Create the mutants of the room, so that they can be selected by name."""
    mutmut.set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    with mutmut.CatchOutput(spinner_title="Generating mutants"):
        mutmut.copy_src_dir()
        mutmut.copy_also_copy_files()
        mutmut.create_mutants(max_children=1)


def mutants(named: str) -> list[str]:
    """Return the mutants to test: those without a result, or the selected ones not killed."""
    known = {mutant: status(data, mutant) for data in results() for mutant in data.exit_code_by_key}
    passed = {"killed"} if named else set(status_by_exit_code.values()) - {"not checked"}
    return [
        mutant
        for mutant in drawn(known)
        if known[mutant] not in passed and (not named or f"{mutant}.".startswith(f"{named}."))
    ]


def drawn(names: Iterable[str]) -> list[str]:
    """Return the sample of a room's mutants, or all. A larger sample contains a smaller one."""
    ordered = sorted(names)
    if not SAMPLE or len(ordered) <= SAMPLE * 5 / 4:
        return ordered
    random.Random(SEED).shuffle(ordered)  # noqa: S311 — a sample is no secret
    return ordered[:SAMPLE]


def results() -> Iterator[SourceFileMutationData]:
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        yield data


def status(data: SourceFileMutationData, mutant: str) -> str:
    return str(status_by_exit_code[data.exit_code_by_key[mutant]])


# --- Results --------------------------------------------------------------------------------


def print_results() -> None:
    columns = "".join(f"{column:>12}" for column in ("mutants", *COLUMNS))
    print(f"{'module':<44}{columns}{'score':>9}")
    total: Counter[str] = Counter()
    for room in ROOMS:
        enter(room)
        files = list(results())
        chosen = set(drawn(mutant for data in files for mutant in data.exit_code_by_key))
        of_room: Counter[str] = Counter()
        for data in files:
            names = data.exit_code_by_key
            counts = Counter(status(data, mutant) for mutant in names if mutant in chosen)
            print_line(str(data.path), counts, len(names))
            of_room += counts
        print_interval(room, of_room)
        total += of_room
    print_line("all", total, total.total())


def print_line(name: str, counts: Counter[str], mutants: int) -> None:
    if not counts:
        return
    detected, tested = tally(counts)
    score = f"{detected / tested:.1%}" if tested else ""
    others = {status: count for status, count in counts.items() if status not in COLUMNS}
    columns = "".join(f"{counts[column]:>12}" for column in COLUMNS)
    print(
        f"{name:<44}{mutants:>12}{columns}{score:>9}",
        *(f"{status}: {n}" for status, n in others.items()),
    )


def tally(counts: Counter[str]) -> tuple[int, int]:
    """Return the number of mutants that tests detected, and the number tested."""
    return counts["killed"] + counts["timeout"], counts.total() - counts["not checked"]


def print_interval(room: str, counts: Counter[str]) -> None:
    """Print the score of a room's sample with its 95 % interval (Wilson's)."""
    detected, tested = tally(counts)
    if SAMPLE and tested:
        low, high = interval(detected, tested)
        print(f"  {room}: {detected} of {tested}, 95 % interval {low:.1%} to {high:.1%}")


def interval(detected: int, tested: int, z: float = 1.96) -> tuple[float, float]:
    share, spread = detected / tested, z * z / tested
    middle = share + spread / 2
    width = z * math.sqrt(share * (1 - share) / tested + spread / tested / 4)
    return (middle - width) / (1 + spread), (middle + width) / (1 + spread)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--room"]:
        sys.exit(test_room(*sys.argv[2:4]))
    sys.exit(main(*sys.argv[1:2]))
