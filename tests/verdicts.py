"""A verdict as the judge gives it, of a kernel that forgets the tail of a row and of one that passes."""

from __future__ import annotations

from typing import Any

CASE: dict[str, Any] = {
    "name": "tail of a block",
    "names": {"en": "tail of a block", "zh": "最后一块"},
    "dims": {"M": 33, "N": 1000},
    "dtype": "float32",
    "status": "failed",
    "max_abs_error": 0.5,
    "tolerance": 1e-6,
    "mismatched": 800,
    "elements": 33000,
    "why": "the last block is not full",
    "whys": {"en": "the last block is not full", "zh": "最后一块不满"},
    "error_map": ["░░░░█", "░░░░█"],
    "error_grid": {"shape": [33, 1000], "shares": ["0" * 93 + "399"] * 24},
    "pattern": "tail-columns",
    "patterns": {
        "en": "800 of 33,000, all in columns 976..999",
        "zh": "33,000 个元素中 800 个，都在第 976..999 列",
    },
    "first_wrong": {
        "output": "out",
        "index": [0, 976],
        "expected": 0.00091,
        "got": 0.0,
        "written": True,
        "tile": {"program": [0, 0, 0], "index": [0, 976]},
    },
    "differences": [
        {"output": "out", "index": [0, 976 + i], "expected": 0.00091, "got": 0.125 * i, "written": i != 3}
        for i in range(12)
    ],
}

XRAY: dict[str, Any] = {
    "kernel": "softmax_kernel",
    "case": "M=4096, N=1024, float32",
    "dtype": "float32",
    "target": "sm_90",
    "num_warps": 4,
    "num_stages": 3,
    "registers": 40,
    "spills": 0,
    "shared_bytes": 2048,
    "occupancy": 0.75,
    "tensor_cores": "none",
    "vector_width": 16,
    "async_copies": "none",
    "notes": ["2 waves of 4 warps"],
}

FOUND: dict[str, Any] = {
    "code": "missing-mask",
    "message": "a load reads outside",
    "messages": {"en": "a load reads outside", "zh": "读到了外面"},
    "hint": "give it a mask",
    "hints": {"en": "give it a mask", "zh": "加上 mask"},
    "question": {"en": "why not 0?", "zh": "为什么不是 0？"},
    "where": "line 3",
    "line": 3,
    "source": "tl.load(x + offs)",
    "confidence": "likely",
    "confidences": {"en": "likely", "zh": "很可能"},
}


def verdict(passed: bool, xray: bool = True) -> dict[str, Any]:
    status = "passed" if passed else "failed"
    return {
        "schema": 1,
        "exercise": "softmax",
        "file": "softmax.py",
        "device": "cpu",
        "passed": passed,
        "stages": [
            {"name": "static", "status": "passed", "seconds": 0.1, "message": ""},
            {"name": "cpu", "status": status, "seconds": 0.5, "message": "8/8" if passed else "7/9"},
            {"name": "compile", "status": "skipped", "seconds": 0, "message": ""},
        ],
        "cases": [{**CASE, "status": status}],
        "diagnosis": [] if passed else [FOUND],
        "timing": [],
        "xray": [XRAY] if xray else [],
        "environment": {},
        "output": "" if passed else "debug [1]\n" * 3,
    }
