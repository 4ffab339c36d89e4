"""exercise.yaml and the files around it: what is read, and the line of everything that is rejected."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from prep.errors import ContentError, UsageError
from prep.exercises.codes import CODES
from prep.exercises.load import Fault, check_exercises, load_exercise, load_exercises
from prep.exercises.spec import TRACKS


def edit(path: Path, old: str, new: str) -> int:
    """Replace the only `old` by `new`; returns the line where it stands."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def only(faults: list[Fault]) -> Fault:
    assert len(faults) == 1, faults
    return faults[0]


def test_whole_exercise_has_no_fault(root: Path) -> None:
    assert check_exercises(root, known_cards={"triton-masks"}) == []


def test_what_is_read(root: Path) -> None:
    exercise = load_exercise("scale", root)
    assert exercise.title == {"en": "Scale a vector", "zh": "向量缩放"}
    assert (exercise.level, exercise.track, exercise.kind, exercise.minutes) == (2, "layout", "kernel", 5)
    assert [(p.name, p.role, p.dtype, p.shape) for p in exercise.params] == [
        ("x", "in", "case", ("N",)),
        ("factor", "scalar", "float", ()),
        ("out", "out", "case", ("N",)),
    ]
    first, second = exercise.suite("cpu")
    assert (first.name, first.regime, first.dims, first.scalars) == ("one element", "normal", {"N": 1}, {"factor": 2.0})
    assert second.scalars == {"factor": 3.0}
    assert isinstance(second.scalars["factor"], float)
    assert exercise.strides(exercise.params[0], second) == (2,)
    assert exercise.strides(exercise.params[2], second) == (1,)
    assert [case.name for case in exercise.suite("gpu")] == ["long"]
    assert [case.dims for case in exercise.suite("perf")] == [{"N": 1 << 26}]
    assert exercise.work.bytes == "2 * N * itemsize"
    assert exercise.goals == {"bronze": 0.5, "silver": 0.7, "gold": 0.9}
    assert not exercise.forbid_copies
    assert exercise.allowed_ops == ("aten.mul.Tensor",)


HAN = re.compile("[\u4e00-\u9fff]")
MANY = "why: {en: many programs, zh: 很多 program}"
# what stands in the file, what it is replaced by, what the fault says; the fault's line is that of the replaced text
BROKEN = [
    ("id: scale", "id: other", "must be the folder's name"),
    ("level: 2", "level: 9", "'level' must be a whole number from 1 to 5"),
    ("level: 2", "level: true", "'level' must be a whole number"),
    ("track: layout", "track: layouts", "track 'layouts' is none of"),
    ("kind: kernel", "kind: kernle", "kind 'kernle' is none of"),
    ("minutes: 5", "minutes: five", "'minutes' must be a whole number"),
    ("minutes: 5", "minutes: 5\nminuets: 6", "'minuets'"),
    ("tags: [first]", "tags: first", "'tags' must be a list, not text"),
    ("tags: [first]", "tags: [1]", "an entry of 'tags' must be text, not a number"),
    ("zh: 向量缩放", "zh: ''", "'zh' must be text, not empty text"),
    ("title: {en: Scale a vector, zh: 向量缩放}", "title: Scale", "title must be a mapping"),
    ("entry: scale", "entry: scale it", "entry 'scale it' is not a Python name"),
    ("name: x, role: in", "name: x, role: input", "role 'input' is none of"),
    ("name: x, role: in, dtype: case", "name: x, role: in, dtype: float31", "dtype 'float31' is none of"),
    ("dtype: float, shape: []", "dtype: float32, shape: []", "dtype 'float32' is none of int, float, bool"),
    ("dtype: float, shape: []", "dtype: float, shape: [N]", "a scalar has the shape []"),
    ("name: factor", "name: x", "name 'x' is not a Python name of its own"),
    ("{name: out, role: out, dtype: case, shape: [N]}", "{name: out, role: out, shape: [N]}", "'dtype' is missing"),
    (
        "- {name: x, role: in,",
        "- {name: y, role: out, dtype: case, shape: [N]}\n  - {name: x, role: in,",
        "outputs come last",
    ),
    ("dims: {N: 1}\n", "dims: {N: 0}\n", "dimension N must be a whole number, 1 or more"),
    ("dims: {N: 37}", "dims: {N: 37, M: 2}", "dimensions N, M differ from the first case's N"),
    ("dims: {N: 37}", "dims: {K: 37}", "shape of x: 'N' is not an integer expression over K"),
    ("dtype: float16", "dtype: half", "dtype 'half' is none of"),
    ("dtype: float16", "dtype: bfloat16", "no bfloat16 on the CPU"),
    ("name: strided", "name: one element", "the name 'one element' stands twice"),
    ("scalars: {factor: 3}", "scalars: {factor: 1e-5}", "must be of type float (write 1.0e-5, not 1e-5)"),
    ("scalars: {factor: 3}", "scalars: {factor: true}", "must be of type float"),
    ("scalars: {factor: 3}", "scalars: {}", "'factor' is missing"),
    ("scalars: {factor: 3}", "scalars: {factor: 3, alpha: 1}", "unknown key 'alpha'"),
    ("strides: {x: [2]}", "strides: {y: [2]}", "unknown key 'y'"),
    ("strides: {x: [2]}", "strides: {x: [2, 1]}", "x has 1 axes, not 2"),
    ("strides: {x: [2]}", "strides: {x: [0]}", "'0' gives 0, less than 1"),
    ("strides: {x: [2]}", "strides: {x: [max(N)]}", "'max(N)' is not an integer expression"),
    (MANY, "why: ' '", "'why' must be text, not empty text"),
    (MANY, "why: [many]", "'why' must be text, not a list"),
    (MANY, "why: {}", "cases.gpu[1]: why: 'en' is missing"),
    (MANY, "why: {en: many programs}", "cases.gpu[1]: why: 'zh' is missing"),
    (MANY, "why: {zh: 很多 program}", "cases.gpu[1]: why: 'en' is missing"),
    (MANY, "why: {en: many programs, zh: ''}", "cases.gpu[1]: why: 'zh' must be text, not empty text"),
    (MANY, "why: {en: 7, zh: 很多 program}", "cases.gpu[1]: why: 'en' must be text, not a number"),
    (MANY, "why: {en: many programs, zh: 很多, de: viele}", "cases.gpu[1]: why: unknown key 'de'"),
    (MANY, "why: {en: many programs, en: twice, zh: 很多}", "'en' stands twice"),
    ("depth: 1", "depth: K", "tolerance.depth: 'K' is not an integer expression over N"),
    ("compute: float32", "compute: tf32", "compute 'tf32' is none of"),
    ("factor: 4}", "factor: -1}", "tolerance.factor must be above 0"),
    ("factor: 4}", "factor: 1e1}", "must be a number (write 1.0e-5, not 1e-5)"),
    ("factor: 4}", "intermediate: maybe}", "'intermediate' must be true or false"),
    ("flops: N", "flops: N / 2", "work.flops: 'N / 2' is not an integer expression"),
    ("regime: memory", "regime: bandwidth", "regime 'bandwidth' is none of memory, compute, latency"),
    ("bronze: 0.5", "bronze: 0.8", "goals must rise"),
    ("gold: 0.9", "gold: 1.9", "goals must rise"),
    ("gold: 0.9", "platinum: 0.9", "unknown key 'platinum'"),
    ("id: scale\n", "id: scale\n  id: scale\n", "not YAML"),
    ("tags: [first]", "tags: [first", "not YAML"),
]


@pytest.mark.parametrize(("old", "new", "says"), BROKEN, ids=[says for _, _, says in BROKEN])
def test_fault_in_the_yaml_has_its_line(root: Path, old: str, new: str, says: str) -> None:
    path = root / "scale" / "exercise.yaml"
    line = edit(path, old, new)
    found = [f for f in check_exercises(root) if says in f.message]
    assert found, check_exercises(root)
    assert found[0].path == path
    # An added key stands on the line behind, an unfinished bracket is noticed there at the earliest.
    assert found[0].line is not None
    assert found[0].line - line in ((0, 1) if "\n" in new or says == "not YAML" else (0,))
    with pytest.raises(ContentError) as e:
        load_exercises(root)
    assert e.value.location() == f"{path}:{e.value.line}"


REQUIRED = ["id", "title", "level", "track", "kind", "tags", "cards", "minutes", "entry", "goals", "tolerance", "work"]


@pytest.mark.parametrize("key", REQUIRED)
def test_missing_key(root: Path, key: str) -> None:
    path = root / "scale" / "exercise.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(f"{key}:")), encoding="utf-8")
    assert f"'{key}' is missing" in [f.message for f in check_exercises(root)]


def test_case_without_why(root: Path) -> None:
    path = root / "scale" / "exercise.yaml"
    edit(path, "      why: {en: the smallest vector, zh: 最短的向量}\n", "")
    fault = only(check_exercises(root))
    assert fault.message == "cases.cpu[1]: 'why' is missing"
    assert fault.line == path.read_text(encoding="utf-8").splitlines().index("    - name: one element") + 1


def test_why_in_both_languages(root: Path) -> None:
    cases = load_exercise("scale", root).cases
    assert [(case.why, case.why_zh) for case in cases] == [
        ("the smallest vector", "最短的向量"),
        ("neighbours are not adjacent", "相邻的元素并不相连"),
        ("many programs", "很多 program"),
        ("more than the cache holds", "缓存放不下"),
    ]


def test_a_name_in_both_languages_or_in_english_only(root: Path) -> None:
    path = root / "scale" / "exercise.yaml"
    edit(path, "name: one element", "name: {en: one element, zh: 单个元素}")
    first, second = load_exercise("scale", root).suite("cpu")
    assert (first.name, first.name_zh) == ("one element", "单个元素")
    assert second.name_zh == ""
    assert check_exercises(root) == []
    line = edit(path, "{en: one element, zh: 单个元素}", "{en: one element}")
    assert only(check_exercises(root)) == Fault(path, line, "cases.cpu[1]: name: 'zh' is missing")


def test_why_in_english_only_can_be_tried_but_not_handed_in(root: Path) -> None:
    path = root / "scale" / "exercise.yaml"
    lines = [
        edit(path, "why: {en: the smallest vector, zh: 最短的向量}", "why: the smallest vector"),
        edit(path, "why: {en: more than the cache holds, zh: 缓存放不下}", "why: more than the cache holds"),
    ]
    cases = load_exercise("scale", root).cases
    assert [case.why_zh for case in cases] == ["", "相邻的元素并不相连", "很多 program", ""]
    assert cases[0].why == "the smallest vector"
    assert check_exercises(root) == [
        Fault(path, lines[0], "cases.cpu[1]: why: no Chinese"),
        Fault(path, lines[1], "cases.perf[1]: why: no Chinese"),
    ]


def test_overlapping_strides(root: Path) -> None:
    """Two elements in one place: a store to one would change the other."""
    path = root / "scale" / "exercise.yaml"
    text = path.read_text(encoding="utf-8").replace("shape: [N]", "shape: [N, N]").replace("[2]}", "[N - 1, 1]}")
    path.write_text(text, encoding="utf-8")
    assert "two elements share one place" in only(check_exercises(root)).message


def test_a_kernel_has_gpu_cases_and_plain_python_need_not(root: Path) -> None:
    path = root / "scale" / "exercise.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  perf:\n", "  performance:\n"), encoding="utf-8")
    assert [f.message for f in check_exercises(root)] == [
        "cases: 'perf' is missing",
        "cases: unknown key 'performance'",
    ]
    shorter = text[: text.index("  gpu:")] + text[text.index("tolerance:") :]
    path.write_text(shorter.replace("kind: kernel", "kind: python"), encoding="utf-8")
    assert check_exercises(root) == []


def test_repeated_key(root: Path) -> None:
    line = edit(root / "scale" / "exercise.yaml", "minutes: 5", "minutes: 5\nminutes: 6")
    fault = only(check_exercises(root))
    assert (fault.line, fault.message) == (line + 1, "'minutes' stands twice")


def test_all_faults_of_a_file_are_found_at_once(root: Path) -> None:
    path = root / "scale" / "exercise.yaml"
    lines = [
        edit(path, "level: 2", "level: 0"),
        edit(path, "kind: kernel", "kind: ?x"),
        edit(path, "gold: 0.9", "gold: 3"),
    ]
    assert [f.line for f in check_exercises(root)] == lines


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("README.md", "exercises"),
        ("README.zh.md", "exercises"),
        ("hints.yaml", "exercises"),
        ("reference.py", "exercises"),
        ("starter.py", "exercises"),
        ("solution.py", "solutions"),
        ("explain.md", "solutions"),
        ("explain.zh.md", "solutions"),
    ],
)
def test_missing_and_empty_files(root: Path, name: str, where: str) -> None:
    path = root.parent / where / "scale" / name
    path.write_text("", encoding="utf-8")
    assert {f.path for f in check_exercises(root)} == {path}
    path.unlink()
    fault = only(check_exercises(root))
    assert (fault.path, fault.message) == (path, "the file is missing")


def test_missing_yaml_is_a_fault_of_the_check_only(root: Path) -> None:
    (root / "scale" / "exercise.yaml").unlink()
    assert only(check_exercises(root)).message == "the file is missing"
    assert load_exercises(root) == {}


def test_leftover_folders_are_no_exercises(root: Path) -> None:
    (root / "gone" / "__pycache__").mkdir(parents=True)
    (root / ".git").mkdir()
    assert list(load_exercises(root)) == ["scale"]
    assert check_exercises(root) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("zh: [一, 二, 三]", "zh: [一, 二]", "'zh' has 2 hints, 3 are needed"),
        ("zh: [一, 二, 三]", "", "'zh' is missing"),
        ("zh: [一, 二, 三]", "zh: [一, 二, 3]", "an entry of 'zh' must be text"),
        ("zh: [一, 二, 三]", "zh: [一, 二, 三]\nde: [1]", "unknown key 'de'"),
        ("zh: [一, 二, 三]", "zh: [一, 二, 三", "not YAML"),
    ],
)
def test_hints(root: Path, old: str, new: str, says: str) -> None:
    path = root / "scale" / "hints.yaml"
    edit(path, old, new)
    fault = only(check_exercises(root))
    assert fault.path == path
    assert says in fault.message
    assert fault.line is not None


def test_too_few_mutants(root: Path) -> None:
    (root / "scale" / "mutants" / "transposed.py").unlink()
    assert only(check_exercises(root)).message == "5 mutants, at least 6 are needed"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("# expect: transposed\n", "", "the first line must be '# expect: <diagnosis code>'"),
        ("# expect: transposed\n", "\n# expect: transposed\n", "the first line must be"),
        ("# expect: transposed", "# expect: transposition", "'transposition' is not a diagnosis code"),
        ("def scale(x, factor, out)", "def scale(x, out, factor)", "'scale' must take exactly (x, factor, out)"),
        ("def scale(x, factor, out)", "def scale(x, factor, out, *more)", "'scale' must take exactly"),
        ("def scale(x", "def scales(x", "the function 'scale' is not defined"),
        ("    pass", "pass", "not Python"),
    ],
)
def test_mutants(root: Path, old: str, new: str, says: str) -> None:
    path = root / "scale" / "mutants" / "transposed.py"
    edit(path, old, new)
    found = check_exercises(root)
    assert {f.path for f in found} == {path}
    assert any(says in f.message for f in found), found
    assert all(f.line for f in found)


def test_mutants_of_the_signature_may_have_another(root: Path) -> None:
    mutants = root / "scale" / "mutants"
    (mutants / "swapped.py").write_text("# expect: wrong-signature\ndef scale(out, x): pass\n", encoding="utf-8")
    (mutants / "typo.py").write_text("# expect: syntax-error\ndef scale(x, out: pass\n", encoding="utf-8")
    assert check_exercises(root) == []


@pytest.mark.parametrize("name", ["starter.py", "solution.py"])
def test_entry_has_the_declared_parameters(root: Path, name: str) -> None:
    path = (root if name == "starter.py" else root.parent / "solutions") / "scale" / name
    line = edit(path, "def scale(x, factor, out)", "def scale(x, factor, y)")
    fault = only(check_exercises(root))
    assert (fault.path, fault.line) == (path, line)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("def magnitude", "def magnitudes", "the function 'magnitude' is not defined"),
        ("def oracle(x, factor)", "def oracle(x)", "'oracle' must take the inputs by name: factor, x"),
        ("def oracle(x, factor)", "def oracle(x, factor, out)", "'oracle' must take the inputs by name"),
        ("make_inputs(case, rng)", "make_inputs(case)", "'make_inputs' must take exactly (case, rng)"),
        ('"large"', '"huge"', "the regime 'large' of exercise.yaml does not occur here"),
    ],
)
def test_reference(root: Path, old: str, new: str, says: str) -> None:
    edit(root / "scale" / "reference.py", old, new)
    assert says in only(check_exercises(root)).message


def test_unknown_card(root: Path) -> None:
    path = root / "scale" / "exercise.yaml"
    fault = only(check_exercises(root, known_cards={"another"}))
    assert fault.message == "card 'triton-masks' does not exist"
    assert fault.line == path.read_text(encoding="utf-8").splitlines().index("cards: [triton-masks]") + 1


def test_unknown_exercise_names_near_ones() -> None:
    with pytest.raises(UsageError) as e:
        load_exercise("sotfmax")
    assert e.value.exit_code == 2
    assert "softmax" in e.value.hint
    with pytest.raises(UsageError) as e:
        load_exercise("zzzz")
    assert "prep list" in e.value.hint


@pytest.mark.parametrize("name", ["../softmax", "", "softmax/", "."])
def test_an_id_is_no_path(name: str) -> None:
    with pytest.raises(UsageError):
        load_exercise(name)


def test_order_is_track_then_level() -> None:
    exercises = list(load_exercises().values())
    assert [(TRACKS.index(e.track), e.level, e.id) for e in exercises] == sorted(
        (TRACKS.index(e.track), e.level, e.id) for e in exercises
    )
    assert {"softmax", "layernorm", "transpose"} <= {e.id for e in exercises}


def test_missing_root_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="cannot be read"):
        load_exercises(tmp_path / "nowhere")


def test_bundled_exercises_have_no_fault() -> None:
    assert check_exercises() == []


def test_bundled_reasons_are_in_their_language() -> None:
    for exercise in load_exercises().values():
        for case in exercise.cases:
            assert not HAN.search(case.why), (exercise.id, case.name)
            assert HAN.search(case.why_zh), (exercise.id, case.name)
            assert not HAN.search(case.name), (exercise.id, case.name)


def test_bundled_cases_that_a_laptop_runs_have_a_chinese_name_of_their_own() -> None:
    for exercise in load_exercises().values():
        names = [case.name_zh for case in exercise.suite("cpu")]
        assert len(set(names)) == len(names), exercise.id
        assert all(HAN.search(name) for name in names), exercise.id


def test_codes_are_unique_and_extend_those_of_the_design() -> None:
    assert len(set(CODES)) == len(CODES)
    # The design names 32; what came later stands behind them.
    assert (CODES[0], CODES[31]) == ("no-kernel", "numerically-wrong")
    assert CODES[32:] == ("uninitialised-read", "tampering")
