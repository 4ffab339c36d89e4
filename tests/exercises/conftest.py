"""A small exercise of the tests' own, whole and without a fault, that a test then breaks in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

YAML = """\
id: scale
title: {en: Scale a vector, zh: 向量缩放}
level: 2
track: layout
kind: kernel
tags: [first]
cards: [triton-masks]
minutes: 5
entry: scale
params:
  - {name: x, role: in, dtype: case, shape: [N]}
  - {name: factor, role: scalar, dtype: float, shape: []}
  - {name: out, role: out, dtype: case, shape: [N]}
cases:
  cpu:
    - name: one element
      dims: {N: 1}
      dtype: float32
      scalars: {factor: 2.0}
      why: {en: the smallest vector, zh: 最短的向量}
    - name: strided
      dims: {N: 37}
      dtype: float16
      regime: large
      scalars: {factor: 3}
      strides: {x: [2]}
      why:
        en: neighbours are not adjacent
        zh: 相邻的元素并不相连
  gpu:
    - name: long
      dims: {N: 100003}
      dtype: bfloat16
      scalars: {factor: 0.5}
      why: {en: many programs, zh: 很多 program}
  perf:
    - {name: large, dims: {N: 67108864}, dtype: bfloat16, scalars: {factor: 0.5},
       why: {en: more than the cache holds, zh: 缓存放不下}}
tolerance: {depth: 1, compute: float32, factor: 4}
work: {bytes: 2 * N * itemsize, flops: N, regime: memory}
allowed_ops: [aten.mul.Tensor]
goals: {bronze: 0.5, silver: 0.7, gold: 0.9}
"""

KERNEL = "def scale(x, factor, out):\n    pass\n"
REFERENCE = """\
def make_inputs(case, rng):
    return {"x": rng.standard_normal(case.dims["N"]) * (1e4 if case.regime == "large" else 1.0), "factor": 2.0}


def oracle(x, factor):
    return {"out": x * factor}


def magnitude(**inputs):
    return oracle(**inputs)
"""
MUTANTS = ("missing-mask", "tail-wrong", "transposed", "wrong-axis", "low-precision", "not-written")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """exercises/ with the exercise `scale`, and solutions/ beside it."""
    folder = tmp_path / "exercises" / "scale"
    (folder / "mutants").mkdir(parents=True)
    solutions = tmp_path / "solutions" / "scale"
    solutions.mkdir(parents=True)
    (folder / "exercise.yaml").write_text(YAML, encoding="utf-8")
    (folder / "README.md").write_text("# Scale\n", encoding="utf-8")
    (folder / "README.zh.md").write_text("# 缩放\n", encoding="utf-8")
    (folder / "hints.yaml").write_text("en: [a nudge, more, nearly all]\nzh: [一, 二, 三]\n", encoding="utf-8")
    (folder / "reference.py").write_text(REFERENCE, encoding="utf-8")
    (folder / "starter.py").write_text(f'"""The starter."""\n\n\n{KERNEL}', encoding="utf-8")
    for code in MUTANTS:
        (folder / "mutants" / f"{code.replace('-', '_')}.py").write_text(
            f"# expect: {code}\n{KERNEL}", encoding="utf-8"
        )
    (solutions / "solution.py").write_text(KERNEL, encoding="utf-8")
    (solutions / "explain.md").write_text("Because.\n", encoding="utf-8")
    (solutions / "explain.zh.md").write_text("因为。\n", encoding="utf-8")
    return tmp_path / "exercises"
