"""Words of a result column."""

from __future__ import annotations

import pytest

from prep.interviews.results import parse_result


@pytest.mark.parametrize(
    ("result", "cells"),
    [
        ("pending", ["", "  ", "—", "?", "等结果", "待定", "流程中", "TBD", "in progress"]),
        ("fail", ["挂", "挂了。", "测评挂", "一面挂", "没过", "未通过", "已拒", "感谢信", "没有offer"]),
        ("fail", ["Rejected", "fail", "no offer", "❌"]),
        ("ghosted", ["无后续", "没消息", "石沉大海", "ghosted", "No response"]),
        ("pass", ["过", "通过", "一面过", "二面过了", "已通过", "进二面", "Passed", "✅", "next round"]),
        ("offer", ["offer", "OC", "已offer", "Ｏｆｆｅｒ!", "意向书"]),
        ("withdrawn", ["放弃", "offer 拒了", "拒offer", "取消", "withdrawn", "cancelled"]),
    ],
)  # fmt: skip
def test_meanings(result: str, cells: list[str]) -> None:
    assert {cell: parse_result(cell) for cell in cells} == dict.fromkeys(cells, result)


@pytest.mark.parametrize("cell", ["随便", "还没挂", "过期", "passable", "offer?", "面试官不错"])
def test_an_unknown_word_is_not_guessed(cell: str) -> None:
    assert parse_result(cell) is None
