"""Proves that the course holds together: `grading verify`, section by section, as a table.

    build     a rebuild changes nothing
    ids       the same ids everywhere, points add up (the linter), and each test calls only its own TODO
    solution  the solutions pass every visible and hidden test
    stubs     every test fails on the stubs, with its own TODO's id in the message
    mutants   every mutant is caught by its named tests, in words for the mistake; two a TODO, one of them
              unseen by the visible tests
    notebook  runs top to bottom on nano within its budget; its `effects` agree with expected.json
    files     every lab has the same files
    release   the student tree can be made and holds no leak
    style     ruff, and modules of a readable length

Why one run of all stubs is enough: the linter proves that no TODO uses another, and `ids` that no test calls
another's function; so a stub can touch its own tests only, and in that run each must fail by its own id.

The notebook's agreement: at its end a dict `effects` (names as in expected.json) holds what it measured live;
each number must lie within the 95 % prediction interval of the recorded seeds.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from labkit.course import Course, Lab, load_course
from labkit.errors import LabError
from labkit.stats import prediction_interval

from .build import differences
from .lint import lint
from .lint_tests import test_files
from .markers import SourceError
from .stage import Mutant, environment, mutants, staff_root, stage
from .variants import Outcome, Variant, run_variants, warm

NOTEBOOK_SECONDS = 180.0  # DESIGN's budget for a notebook on nano
CELL_SECONDS = 900  # a cell that ends at all ends long before, on the busiest machine
LONGEST_MODULE = 400  # lines, in labkit and solutions; one idea fits well below that
FILES = (
    "__init__.py",
    "config.py",
    "data.py",
    "evaluate.py",
    "expected.json",
    "lab.py",
    "method.py",
    "run.py",
)
CONFIGS = ("configs/gpu.yaml", "configs/laptop.yaml", "configs/nano.yaml")
READ_EFFECTS = (
    "import json as _json\nprint('EFFECTS ' + _json.dumps({k: float(v) for k, v in effects.items()}))"
)


@dataclass(frozen=True)
class Proof:
    """One line of the table: what was checked, and what is wrong ("" = it holds)."""

    section: str
    what: str
    wrong: str = ""


@dataclass
class Work:
    """What the sections share: the course, the labs asked for, and test runs that two of them need."""

    root: Path
    course: Course
    labs: list[Lab]
    processes: int
    runs: dict[tuple[str, str], list[Outcome]] = field(default_factory=dict)

    def outcomes(self, lab: Lab) -> tuple[list[Outcome], list[Outcome]]:
        """All tests on (the solutions, the stubs); run once."""
        if (lab.key, "solutions") not in self.runs:
            both = [
                Variant("solutions", "solutions", solved_notebooks=True),
                Variant("starter", "starter"),
            ]
            for name, found in run_variants(both, lab, self.root, self.processes).items():
                self.runs[lab.key, name] = found
        return self.runs[lab.key, "solutions"], self.runs[lab.key, "starter"]


def verify(
    lab: str | None = None, only: Sequence[str] = (), processes: int = 2, root: Path | None = None
) -> bool:
    """Run the sections (all, or those in `only`), print the table and the failures; True if all holds.

    Raises LabError: unknown section or lab.
    """
    root = Path(root or staff_root())
    course = load_course(root)
    unknown = set(only) - set(SECTIONS)
    if unknown:
        raise LabError(f"sections among {', '.join(SECTIONS)}", ", ".join(sorted(unknown)), "--only")
    labs = [course.lab(lab)] if lab else list(course.labs)
    work = Work(root, course, labs, processes)
    if set(only or SECTIONS) & {"ids", "solution", "stubs", "mutants"}:
        warm()
    table = Table(title=f"{course.title}: what holds")
    for column in ("section", "checked", "failed", "seconds"):
        table.add_column(column, justify="left" if column == "section" else "right")
    failed: list[Proof] = []
    for name in [section for section in SECTIONS if not only or section in only]:
        started = time.monotonic()
        try:
            proofs = list(SECTIONS[name](work))
        except (LabError, SourceError) as error:
            proofs = [Proof(name, "could be checked", str(error))]
        wrong = [proof for proof in proofs if proof.wrong]
        failed += wrong
        mark = f"[red]{len(wrong)}[/]" if wrong else "0"
        table.add_row(name, str(len(proofs)), mark, f"{time.monotonic() - started:.1f}")
    console = Console(highlight=False)
    console.print(table)
    for proof in failed:
        console.print(f"{proof.section}: {proof.what}: {proof.wrong}", markup=False, soft_wrap=True)
    console.print("everything holds" if not failed else f"{len(failed)} of the invariants don't hold")
    return not failed


# ---- sections ----


def prove_build(work: Work) -> Iterator[Proof]:
    found = differences(work.root)
    yield Proof("build", "a rebuild changes nothing", "; ".join(found))


def prove_ids(work: Work) -> Iterator[Proof]:
    problems = lint(work.root, work.course)
    yield Proof("ids", "the linter", "\n".join(map(str, problems)))
    for lab in work.labs:
        for kind, name in test_files(lab).items():
            missing = "" if (work.root / name).is_file() else "no such file"
            yield Proof("ids", f"{lab.key}: {kind} tests in {name}", missing)
        functions = {todo.id: todo.function for todo in lab.todos}
        others = {todo.function: todo.id for todo in lab.todos}
        for outcome in work.outcomes(lab)[0]:
            if outcome.id in functions:
                strange = [c for c in outcome.calls if c in others and c != functions[outcome.id]]
                wrong = f"it also calls {', '.join(strange)}" if strange else ""
                yield Proof("ids", f"{outcome.id} {outcome.test} calls only its own TODO", wrong)


def prove_solution(work: Work) -> Iterator[Proof]:
    for lab in work.labs:
        outcomes = work.outcomes(lab)[0]
        tested = {outcome.id for outcome in outcomes}
        missing = [item.id for item in (*lab.todos, *lab.values) if item.id not in tested]
        yield Proof("solution", f"{lab.key}: every id has tests", ", ".join(missing))
        for outcome in outcomes:
            wrong = "" if outcome.passed else outcome.message
            yield Proof("solution", f"{outcome.id} {outcome.kind} {outcome.test}", wrong)


def prove_stubs(work: Work) -> Iterator[Proof]:
    for lab in work.labs:
        for outcome in work.outcomes(lab)[1]:
            wrong = ""
            if outcome.passed:
                wrong = "passes although nothing is written"
            elif f"TODO {outcome.id} " not in outcome.message:
                wrong = f"its message doesn't name TODO {outcome.id}: {outcome.message[:200]}"
            yield Proof("stubs", f"{outcome.id} {outcome.kind} {outcome.test}", wrong)


def prove_mutants(work: Work) -> Iterator[Proof]:
    for lab in work.labs:
        found = mutants(lab, work.root)
        for todo in lab.todos:
            own = [mutant for mutant in found if mutant.todo == todo.id]
            wrong = "" if len(own) >= 2 else f"{len(own)} mutants; at least two"
            if not wrong and not any(mutant.passes_visible for mutant in own):
                wrong = "no mutant that the visible tests miss"
            yield Proof("mutants", f"{todo.id} {todo.function} has mutants", wrong)
        variants = [Variant(mutant.path.name, mutant.path, (mutant.todo,)) for mutant in found]
        outcomes = run_variants(variants, lab, work.root, work.processes)
        for mutant in found:
            yield Proof("mutants", mutant.path.name, "; ".join(judge(mutant, outcomes[mutant.path.name])))


def judge(mutant: Mutant, outcomes: Sequence[Outcome]) -> list[str]:
    """What is wrong with how the tests of its TODO deal with a mutant; [] if it is caught as it says."""
    wrong = []
    for name in mutant.caught_by:
        own = [outcome for outcome in outcomes if outcome.function == name]
        failed = [outcome for outcome in own if not outcome.passed]
        if not own:
            wrong.append(f"{name} is no test of {mutant.todo}")
        elif not failed:
            wrong.append(f"{name} passes")
        elif not any(names_mistake(outcome.message, mutant.mistake) for outcome in failed):
            said = failed[0].message.splitlines()[0][:160]
            wrong.append(f"{name} fails without naming the mistake ({mutant.mistake!r}): {said!r}")
    seen = [outcome.test for outcome in outcomes if outcome.kind == "visible" and not outcome.passed]
    if mutant.passes_visible and seen:
        wrong.append(f"says 'visible: passes', but {', '.join(seen)} fails")
    if not mutant.passes_visible and not seen:
        wrong.append("says 'visible: fails', but every visible test passes")
    return wrong


def names_mistake(message: str, mistake: str) -> bool:
    """Whether a test's first words and the mistake's share a telling word (by its first five letters)."""
    first = re.split(r"\n  (?:your function gave|expected):", message)[0]
    return bool(_stems(first) & _stems(mistake))


_COMMON = (
    "the and not one but for all are was its that this with from must your should result instead expected"
)


def _stems(text: str) -> set[str]:
    common = set(_COMMON.split())
    words = re.findall(
        r"[a-z0-9_]{3,}|-?\d+|[a-z]+(?=_)|\w [<>]=? \w", text.lower()
    )  # "k > n" is telling too
    return {word[:5] for word in words if word not in common}


def prove_notebook(work: Work) -> Iterator[Proof]:
    for lab in work.labs:
        seconds, effects = run_notebook(lab, work.root)
        # Told, not judged: seconds on a busy machine prove nothing. The budget is for two free cores.
        print(f"{lab.notebook}: top to bottom in {seconds:.0f} s (budget {NOTEBOOK_SECONDS:.0f} s)")
        yield Proof("notebook", f"{lab.notebook} runs from top to bottom")
        yield from compare_effects(lab, effects, work.root / "solutions" / lab.package / "expected.json")


def run_notebook(lab: Lab, root: Path) -> tuple[float, dict[str, float]]:
    """Execute the solved notebook in a staged tree. Returns (seconds, its `effects`).

    Raises LabError: a cell failed (which, and its error), or no `effects` at the end.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    with stage("solutions", [lab.key], solved_notebooks=True, root=root) as tree:
        path = tree / lab.notebook
        if not path.is_file():
            raise LabError(f"the notebook of {lab.key}", "no lab.py", f"solutions/{lab.package}")
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.append(nbformat.v4.new_code_cell(READ_EFFECTS))
        with tempfile.TemporaryDirectory() as runtime:
            variables = {**environment(tree), "JUPYTER_RUNTIME_DIR": runtime, "MPLBACKEND": "agg"}
            variables.pop("OMP_NUM_THREADS", None)  # `make test` sets 1 for two processes; this one is alone
            client = NotebookClient(
                notebook,
                timeout=CELL_SECONDS,
                resources={"metadata": {"path": str(path.parent)}},
            )
            started = time.monotonic()
            try:
                client.execute(env=variables)
            except CellTimeoutError:
                raise LabError("every cell to end", f"one ran {CELL_SECONDS} s", lab.notebook) from None
            except CellExecutionError as error:
                last = _failed_cell(notebook)
                raise LabError("every cell to run", f"{error.ename}: {error.evalue}", last) from None
        seconds = time.monotonic() - started
    printed = "".join(output.get("text", "") for output in notebook.cells[-1].outputs)
    return seconds, json.loads(printed.partition("EFFECTS ")[2])


def _failed_cell(notebook) -> str:
    for cell in notebook.cells:
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            if cell.source == READ_EFFECTS:
                return "the end: the notebook must leave a dict `effects`"
            return f"cell {cell.id}: {cell.source.splitlines()[0][:60]}"
    return "an unknown cell"


def compare_effects(lab: Lab, effects: dict[str, float], path: Path) -> Iterator[Proof]:
    """Each of the notebook's effects against the recorded ones."""
    if not path.is_file():
        yield Proof("notebook", f"{lab.key}: expected.json", "not recorded; run: make effects, with --record")
        return
    recorded = json.loads(path.read_text(encoding="utf-8"))["effects"]
    yield Proof("notebook", f"{lab.key}: it measures an effect", "" if effects else "`effects` is empty")
    for name, value in effects.items():
        if name not in recorded:
            yield Proof("notebook", f"{lab.key}: {name}", f"not in expected.json ({', '.join(recorded)})")
            continue
        low, high = prediction_interval(recorded[name]["values"])
        outside = "" if low <= value <= high else f"{value:.4f} is outside [{low:.4f}, {high:.4f}]"
        yield Proof("notebook", f"{lab.key}: {name} as recorded", outside)


def prove_files(work: Work) -> Iterator[Proof]:
    for lab in work.labs:
        folder = work.root / "solutions" / lab.package
        missing = [name for name in (*FILES, *CONFIGS) if not (folder / name).is_file()]
        yield Proof("files", f"{lab.key} has the files of every lab", ", ".join(missing))


def prove_release(work: Work) -> Iterator[Proof]:
    from .leaks import scan
    from .release import TOP, student_tree

    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        problems = scan(student_tree(Path(folder) / TOP, work.root), work.root)
    yield Proof("release", "the student tree holds no leak", "\n".join(map(str, problems)))


def prove_style(work: Work) -> Iterator[Proof]:
    folders = [name for name in ("labkit", "solutions", "grading", "tests") if (work.root / name).is_dir()]
    ruff = [sys.executable, "-m", "ruff"]
    for words in (["check", "--quiet", "--output-format", "concise"], ["format", "--check"]):
        done = subprocess.run([*ruff, *words, *folders], cwd=work.root, capture_output=True, text=True)
        wrong = "" if done.returncode == 0 else (done.stdout + done.stderr).strip()
        yield Proof("style", f"ruff {words[0]}", wrong)
    for name in ("labkit", "solutions"):  # what people read to learn from
        for path in sorted((work.root / name).rglob("*.py")):
            lines = path.read_text(encoding="utf-8").count("\n")
            long = lines > LONGEST_MODULE and path.name != "lab.py"
            shown = path.relative_to(work.root).as_posix()
            yield Proof("style", shown, f"{lines} lines; at most {LONGEST_MODULE}" if long else "")


SECTIONS: dict[str, Callable[[Work], Iterator[Proof]]] = {
    "build": prove_build,
    "ids": prove_ids,
    "solution": prove_solution,
    "stubs": prove_stubs,
    "mutants": prove_mutants,
    "notebook": prove_notebook,
    "files": prove_files,
    "release": prove_release,
    "style": prove_style,
}
