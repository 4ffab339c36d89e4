"""Companies, roles and places out of one cell."""

from __future__ import annotations

import pytest

from prep.interviews.companies import Position, company_key, known_aliases, split_position


@pytest.mark.parametrize(
    ("text", "company", "role", "location"),
    [
        # listed names, under any spelling
        ("字节AI Infra", "字节跳动", "AI Infra", None),
        ("ＢｙｔｅＤａｎｃｅ AI Infra", "字节跳动", "AI Infra", None),
        ("bytedance, seed infra", "字节跳动", "seed infra", None),
        ("京东 后端开发岗 北京", "京东", "后端开发岗", "北京"),
        ("京东方 算法", "京东方", "算法", None),
        ("快Star-X 推理引擎", "快手", "快Star-X 推理引擎", None),
        ("阿里云PAI", "阿里云", "PAI", None),
        ("Google DeepMind - Research Engineer (London)", "Google DeepMind", "Research Engineer", "London"),
        ("Together AI, inference, remote", "Together AI", "inference", "remote"),
        ("Metabolic ML", "Metabolic", "ML", None),
        ("博世（苏州）", "博世", None, "苏州"),
        # everybody else
        ("云杉", "云杉", None, None),
        ("云杉科技 引擎组", "云杉科技", "引擎组", None),
        ("某某有限公司后端开发", "某某有限公司", "后端开发", None),
        ("上海松柏研究院", "上海松柏研究院", None, None),
        ("云杉大模型", "云杉", "大模型", None),
        ("云杉AI Infra", "云杉", "AI Infra", None),
        ("银杏Star-X 推理", "银杏", "Star-X 推理", None),
        ("云杉-推理引擎（上海）", "云杉", "推理引擎", "上海"),
        ("云杉：推理 / 远程", "云杉", "推理", "远程"),
        ("Blue Ridge Compute inference", "Blue Ridge Compute", "inference", None),
        ("Alder Labs, Staff Engineer", "Alder Labs", "Staff Engineer", None),
        ("上海", "上海", None, None),
        ("(AI Infra)", "(AI Infra)", None, None),
        ("(", "(", None, None),
    ],
)
def test_a_cell_is_taken_apart(text: str, company: str, role: str | None, location: str | None) -> None:
    assert split_position(text) == Position(company, role, location)


def test_nothing_gives_nothing() -> None:
    assert split_position(" ·，　") is None


def test_spellings_of_one_company_have_one_key() -> None:
    assert company_key("字节") == company_key("ByteDance ") == company_key("字节跳动")
    assert company_key("京东") != company_key("京东方")
    assert company_key("Alder Labs") == company_key("alder  labs") != company_key("alder")
    assert "ByteDance" in known_aliases("字节")
    assert known_aliases("云杉") == []
