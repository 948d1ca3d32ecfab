"""The linter of `solutions/`, its tests and the course table; every finding has file and line.

    grading lint        # exit 1 and a list such as
    solutions/lab4_best_of_n/method.py:212: TODO 4.9 calls TODO 4.7 (majority_vote): each is graded alone

The rules (CONTRIBUTING.md says them for authors):
- markers: well formed; each TODO of course.yaml once, in the function and file that the table names, its
  region the last part of that function; no id that the table doesn't have;
- a TODO never uses another TODO's function, not even through a helper;
- a TODO's docstring says what each argument is (shapes, units), `Returns:`, `Raises:` and `Source:`;
- a TODO's file doesn't import what the table forbids, and `labkit` has no function of a TODO's name;
- the notebook (grading/lint_notebook.py) and the tests (grading/lint_tests.py).

The builder calls `lint` before it writes anything. Left out: unused imports, which ruff finds in what was
built, and style of Python, which is ruff's too.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from labkit.course import Course, Lab, Todo, load_course

from .lint_notebook import lint_headings_alike, lint_notebook
from .lint_tests import lint_tests
from .markers import Problem, find_regions
from .stage import staff_root

SECTIONS = ("Args:", "Returns:", "Raises:", "Source:")


def lint(root: Path | None = None, course: Course | None = None) -> list[Problem]:
    """Every problem of every lab, sorted by place. [] means that the project can be built.

    Raises LabError: course.yaml can't be read.
    """
    root = Path(root or staff_root())
    course = course or load_course(root)
    problems: list[Problem] = []
    for lab in course.labs:
        folder = root / "solutions" / lab.package
        if not folder.is_dir():
            problems.append(Problem("course.yaml", 1, f"{lab.key}: no folder solutions/{lab.package}"))
            continue
        problems += lint_modules(lab, root)
        if (folder / "lab.py").is_file():
            problems += lint_notebook(lab, root)
        problems += lint_tests(lab, root)
    problems += lint_headings_alike(course, root)
    problems += _same_names_in_labkit(course, root)
    return sorted(set(problems))


def lint_modules(lab: Lab, root: Path) -> list[Problem]:
    """Markers, functions, docstrings, calls and imports of one lab's modules."""
    folder = root / "solutions" / lab.package
    todos = {todo.id: todo for todo in lab.todos}
    problems: list[Problem] = []
    places: dict[str, str] = {}
    trees: dict[str, ast.Module] = {}
    for path in sorted(folder.rglob("*.py")):
        if path.name == "lab.py" and path.parent == folder:
            continue
        shown, text = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
        try:
            trees[path.relative_to(folder).as_posix()] = tree = ast.parse(text)
        except SyntaxError as error:
            problems.append(Problem(shown, error.lineno or 1, f"not Python: {error.msg}"))
            continue
        regions, found = find_regions(text, shown)
        problems += found
        for region in regions:
            todo = todos.get(region.id)
            if todo is None:
                problems.append(
                    Problem(shown, region.begin, f"TODO {region.id} isn't among {lab.key}'s in course.yaml")
                )
                continue
            if region.id in places:
                problems.append(
                    Problem(shown, region.begin, f"TODO {region.id} is marked at {places[region.id]} already")
                )
                continue
            places[region.id] = f"{shown}:{region.begin}"
            problems += _place(todo, region, tree, path.name, shown)
    for todo in lab.todos:
        shown = f"solutions/{lab.package}/{todo.file}"
        if todo.id not in places:
            problems.append(Problem(shown, 1, f"TODO {todo.id} ({todo.function}) has no marked region"))
        function = _functions(trees.get(todo.file)).get(todo.function)
        if function is not None:
            problems += _docstring(todo, function, shown)
    problems += _calls(lab, trees)
    problems += _forbidden_imports(lab, trees)
    return problems


def _functions(tree: ast.Module | None) -> dict[str, ast.FunctionDef]:
    body = tree.body if tree is not None else []
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


def _place(todo: Todo, region, tree: ast.Module, file: str, shown: str) -> list[Problem]:
    """The region stands in the table's file, in the table's function, and runs to that function's end."""
    if file != todo.file:
        return [Problem(shown, region.begin, f"TODO {todo.id} belongs in {todo.file} by course.yaml")]
    function = next(
        (f for f in tree.body if hasattr(f, "name") and f.lineno < region.begin <= (f.end_lineno or 0)), None
    )
    if function is None or function.name != todo.function:
        where = f"in {function.name}" if function else "in no function"
        message = f"TODO {todo.id} is {where}; course.yaml says {todo.function}"
        return [Problem(shown, region.begin, message)]
    if function.end_lineno > region.end:
        message = f"code of {todo.function} after its region: the region is the rest of the function"
        return [Problem(shown, region.end, message)]
    return []


def _docstring(todo: Todo, function: ast.FunctionDef, shown: str) -> list[Problem]:
    """Arguments (with shapes and units), Returns, Raises, Source; an error that no one raises is said too."""
    said = ast.get_docstring(function) or ""
    line, name = function.lineno, f"TODO {todo.id} ({todo.function})"
    if not said:
        return [Problem(shown, line, f"{name} has no docstring")]
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    wanted = SECTIONS if names else SECTIONS[1:]
    missing = [part for part in wanted if not re.search(rf"^\s*{part}", said, re.MULTILINE)]
    problems = [Problem(shown, line, f"{name}: the docstring has no '{part}'") for part in missing]
    arguments = re.search(r"^\s*Args:(.*?)(?=^\s*(?:Returns|Raises|Source|Yields):|\Z)", said, re.M | re.S)
    if arguments:
        described = set(re.findall(r"\w+", " ".join(re.findall(r"^\s*([\w, *]+):", arguments[1], re.M))))
        undescribed = [name for name in names if name not in described]
        if undescribed:
            problems.append(
                Problem(shown, line, f"{name}: 'Args:' doesn't describe {', '.join(undescribed)}")
            )
    return problems


def _calls(lab: Lab, trees: dict[str, ast.Module]) -> list[Problem]:
    """No TODO uses another's function: directly, or through functions of the lab's modules."""
    owner = {(todo.file, todo.function): todo for todo in lab.todos}
    uses = {
        (file, name): _functions_used(file, tree, function, trees)
        for file, tree in trees.items()
        for name, function in _functions(tree).items()
    }
    problems = []
    for todo in lab.todos:
        start = (todo.file, todo.function)
        seen, queue = {start}, [(used, line, used) for used, line in uses.get(start, {}).items()]
        while queue:
            used, line, through = queue.pop(0)
            if used in seen:
                continue
            seen.add(used)
            if used in owner:
                via = "" if through == used else f" through {through[1]}"
                message = f"TODO {todo.id} uses TODO {owner[used].id} ({used[1]}){via}: each is graded alone"
                problems.append(Problem(f"solutions/{lab.package}/{todo.file}", line, message))
            queue += [(inner, line, through) for inner in uses.get(used, {})]
    return problems


def _functions_used(
    file: str, tree: ast.Module, function: ast.FunctionDef, trees: dict[str, ast.Module]
) -> dict[tuple[str, str], int]:
    """The lab's own functions that a function's body names, as (file, name), with the first line of each."""
    known = {name: (file, name) for name in _functions(tree)}
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            for alias in node.names:
                local = alias.asname or alias.name
                if node.module is None:  # from . import method
                    modules[local] = f"{alias.name}.py"
                else:
                    known[local] = (f"{node.module}.py", alias.name)
    own = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    found: dict[tuple[str, str], int] = {}
    for node in (node for part in function.body for node in ast.walk(part)):
        if isinstance(node, ast.Name) and node.id in known and node.id not in own:
            found.setdefault(known[node.id], node.lineno)
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules
        ):
            found.setdefault((modules[node.value.id], node.attr), node.lineno)
    return {place: line for place, line in found.items() if place[1] in _functions(trees.get(place[0]))}


def _forbidden_imports(lab: Lab, trees: dict[str, ast.Module]) -> list[Problem]:
    problems = []
    for todo in lab.todos:
        for node in ast.walk(trees.get(todo.file) or ast.Module([], [])):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                if name.split(".")[0] in todo.forbidden or name in todo.forbidden:
                    message = f"{name} is forbidden for TODO {todo.id} (course.yaml): it would be the answer"
                    problems.append(Problem(f"solutions/{lab.package}/{todo.file}", node.lineno, message))
    return problems


def _same_names_in_labkit(course: Course, root: Path) -> list[Problem]:
    """A function of a TODO's name in released code would be its answer."""
    owner = {todo.function: todo for lab in course.labs for todo in lab.todos}
    problems = []
    for path in sorted((root / "labkit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name in owner:
                message = f"{node.name} is TODO {owner[node.name].id}: released code can't hold it"
                problems.append(Problem(path.relative_to(root).as_posix(), node.lineno, message))
    return problems
