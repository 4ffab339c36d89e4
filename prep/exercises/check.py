"""What lies around an exercise.yaml: statements, hints, reference, starter, mutants, solution. Nothing is executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from pathlib import Path

from prep.exercises.codes import CODES
from prep.exercises.located import Faults, Table, read_yaml
from prep.exercises.parse import parse_exercise
from prep.exercises.spec import Exercise

MUTANTS = 6
"""The least number of wrong kernels an exercise comes with."""

HINTS = 3
_EXPECT = re.compile(r"# expect: (\S+)\s*")

# A mutant with one of these codes may break the rule that every submission defines the entry as the exercise says.
_MALFORMED = ("syntax-error", "wrong-signature")


def check_folder(folder: Path, solutions: Path, known_cards: Collection[str] | None = None) -> list[Faults]:
    """Everything wrong with one exercise, a Faults for each file that has any.

    Args:
        folder: exercises/<id>.
        solutions: the folder that holds <id>/solution.py.
        known_cards: ids that `cards` may name; None leaves that unchecked.
    """
    exercise, spec = parse_exercise(folder)
    faults = [spec]
    if spec.found:
        # The entry and the parameters may be stand-ins now: faults found with them would be noise.
        return faults
    if known_cards is not None:
        _check_cards(exercise, spec, known_cards)
    _check_reasons(exercise, spec)
    for lang in ("en", "zh"):
        faults.append(_text(exercise.statement_path(lang)))
        faults.append(_text(solutions / exercise.id / ("explain.zh.md" if lang == "zh" else "explain.md")))
    faults.append(_hints(folder / "hints.yaml"))
    faults.append(_reference(exercise))
    faults.append(_submission(exercise, exercise.starter_path))
    faults.append(_submission(exercise, solutions / exercise.id / "solution.py"))
    mutants = sorted((folder / "mutants").glob("*.py"))
    if len(mutants) < MUTANTS:
        few = Faults(folder / "mutants")
        few.add(0, f"{len(mutants)} mutants, at least {MUTANTS} are needed")
        faults.append(few)
    faults.extend(_mutant(exercise, path) for path in mutants)
    return [f for f in faults if f.found]


def _check_cards(exercise: Exercise, faults: Faults, known: Collection[str]) -> None:
    lines = (exercise.folder / "exercise.yaml").read_text(encoding="utf-8").splitlines()
    start = next((n for n, line in enumerate(lines, 1) if line.startswith("cards:")), 0)
    for card in exercise.cards:
        if card not in known:
            line = next((n for n, text in enumerate(lines[start - 1 :], start) if card in text), start)
            faults.add(line, f"card '{card}' does not exist")


def _check_reasons(exercise: Exercise, faults: Faults) -> None:
    """A reason in English only is read, so that a draft can be tried, but a Chinese verdict would mix languages."""
    path = exercise.folder / "exercise.yaml"
    root = read_yaml(path.read_text(encoding="utf-8"), Faults(path))
    if root is None or all(case.why_zh for case in exercise.cases):
        return
    for suite, cases in root.data["cases"].data.items():
        for number, case in enumerate(cases.data, 1):
            why = case.data["why"]
            if isinstance(why.data, str):
                faults.add(why.line, f"cases.{suite}[{number}]: why: no Chinese")


def _read(path: Path, faults: Faults) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        faults.add(0, "the file is missing")
    except UnicodeDecodeError:
        faults.add(0, "not UTF-8")
    except OSError as e:
        faults.add(0, f"cannot be read: {e.strerror}")
    return None


def _text(path: Path) -> Faults:
    faults = Faults(path)
    text = _read(path, faults)
    if text is not None and not text.strip():
        faults.add(1, "the file is empty")
    return faults


def _hints(path: Path) -> Faults:
    faults = Faults(path)
    text = _read(path, faults)
    root = None if text is None else read_yaml(text, faults)
    if root is None:
        return faults
    table = Table(root, "", faults)
    for lang in ("en", "zh"):
        count = len(table.sequence(lang))
        if count != HINTS and lang in table.items:
            faults.add(table.line_of(lang), f"'{lang}' has {count} hints, {HINTS} are needed")
        table.words(lang, required=False)
    table.close()
    return faults


def _tree(path: Path, faults: Faults) -> ast.Module | None:
    text = _read(path, faults)
    if text is None:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as e:
        faults.add(getattr(e, "lineno", None) or 1, f"not Python: {getattr(e, 'msg', e)}")
        return None


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _submission(exercise: Exercise, path: Path) -> Faults:
    faults = Faults(path)
    tree = _tree(path, faults)
    if tree is not None:
        _check_entry(exercise, tree, faults)
    return faults


def _check_entry(exercise: Exercise, tree: ast.Module, faults: Faults) -> None:
    function = _functions(tree).get(exercise.entry)
    wanted = [p.name for p in exercise.params]
    if function is None:
        faults.add(1, f"the function '{exercise.entry}' is not defined")
    elif _parameters(function) != wanted or function.args.vararg or function.args.kwarg:
        faults.add(function.lineno, f"'{exercise.entry}' must take exactly ({', '.join(wanted)})")


def _mutant(exercise: Exercise, path: Path) -> Faults:
    faults = Faults(path)
    text = _read(path, faults)
    if text is None:
        return faults
    expect = _EXPECT.fullmatch(text.partition("\n")[0])
    if expect is None:
        faults.add(1, "the first line must be '# expect: <diagnosis code>'")
    elif expect[1] not in CODES:
        faults.add(1, f"'{expect[1]}' is not a diagnosis code")
    code = expect[1] if expect else ""
    if code != "syntax-error":
        tree = _tree(path, faults)
        if tree is not None and code not in _MALFORMED:
            _check_entry(exercise, tree, faults)
    return faults


def mutant_code(path: Path) -> str:
    """The diagnosis code that a mutant declares in its first line, or an empty string."""
    with path.open(encoding="utf-8") as file:
        expect = _EXPECT.fullmatch(file.readline().rstrip("\n"))
    return expect[1] if expect else ""


def _reference(exercise: Exercise) -> Faults:
    faults = Faults(exercise.reference_path)
    tree = _tree(exercise.reference_path, faults)
    if tree is None:
        return faults
    functions = _functions(tree)
    given = {p.name for p in exercise.params if p.role != "out"}
    for name in ("make_inputs", "oracle", "magnitude", "wrong_answers"):
        function = functions.get(name)
        if function is None:
            if name != "wrong_answers":
                faults.add(1, f"the function '{name}' is not defined")
        elif name == "make_inputs":
            if _parameters(function) != ["case", "rng"]:
                faults.add(function.lineno, "'make_inputs' must take exactly (case, rng)")
        elif not function.args.kwarg and set(_parameters(function)) != given:
            faults.add(function.lineno, f"'{name}' must take the inputs by name: {', '.join(sorted(given))}")
    _check_regimes(exercise, tree, faults)
    return faults


def _check_regimes(exercise: Exercise, tree: ast.Module, faults: Faults) -> None:
    """A regime that make_inputs does not know would silently fall back to ordinary values."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    drawn = [regime for _, regime in exercise.draw.values] if exercise.draw is not None else []
    for regime in dict.fromkeys([*(case.regime for case in exercise.cases), *drawn]):
        if regime != "normal" and regime not in texts:
            faults.add(1, f"the regime '{regime}' of exercise.yaml does not occur here")
