"""Companies that are named without a space before the role, and how a cell such as `字节AI Infra` is taken apart."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_CITIES = (
    "北京|上海|深圳|广州|杭州|南京|成都|武汉|西安|苏州|天津|重庆|合肥|长沙|厦门|珠海|青岛|济南|大连|无锡|宁波|郑州|福州|香港|台北|新加坡"
    "|远程|remote|Beijing|Shanghai|Shenzhen|Hangzhou|Singapore|Hong Kong|London|Zurich|Toronto|Seattle|New York"
    "|San Francisco|Bay Area"
)
_CITY_AT_END = re.compile(rf"(?:^|[\s,，·/（(@-])({_CITIES})[)）]?$", re.IGNORECASE)

# Where a name that nobody listed ends and the role begins. The first word of a role is not part of a company's name.
_ROLE_WORDS = re.compile(
    r"(?<![A-Za-z])(?:AI\s*Infra|Infra|LLM|MLSys|ML|AIGC|GPU|CUDA|Triton|HPC|NLP|CV|SRE|SDE|MTS|Senior|Staff|Principal"
    r"|Software|Machine|Inference|Kernel|Compiler|Performance|Research|Engineer|Engineering|Intern|Internship|Training"
    r"|Deep|Systems?|Backend|Platform)(?![A-Za-z])"
    r"|大模型|推理|训推|训练|引擎|算法|算子|编译|后端|前端|开发|工程师|实习|夏令营|多模态|高性能|异构|搜索|推荐|广告|架构|研发"
    r"|基础架构|平台|岗|校招|社招|秋招|春招|提前批",
    re.IGNORECASE,
)
_COMPANY_END = re.compile(
    r"^.{1,18}?(?:有限责任公司|有限公司|公司|集团|科技|智能|银行|证券|基金|资本|研究院|研究所|技术院|实验室|大学|学院"
    r"|国企|央企|外企|量化|半导体|微电子|机器人|汽车|网络|信息)"
)
_CHINESE_THEN_LATIN = re.compile(r"[\u3400-\u9fff]{2,}(?=[A-Za-z])")
_SEPARATORS = " \t\u3000-–—·・:：/|,，、;；@"
_GLUE = re.compile(r"[\s\-–—·・:：/|,，、;；@（(]")


@dataclass(frozen=True, slots=True)
class Position:
    """What a cell says about where one applies; the pieces are substrings of it, but for the company's known name."""

    company: str
    role: str | None
    location: str | None


def split_position(text: str) -> Position | None:
    """Take `字节AI Infra`, `Together AI, inference, remote` or `某某科技 引擎组` apart; None when there is nothing.

    A listed company is recognised at the start under any of its spellings and gets its usual name; otherwise the name
    ends at the first separator, at a suffix such as 公司 or 科技, or where the role's words begin.
    """
    text = text.strip(_SEPARATORS + "\r\n")
    if not text:
        return None
    matched = _known_at_start(text)
    if matched is not None:
        company, rest = matched
    else:
        length = _unknown_company_length(text)
        company, rest = text[:length].strip(_SEPARATORS), text[length:]
        if not company:  # `(AI Infra)` names nobody: it stays in one piece
            company, rest = text, ""
    rest = _trim(rest)
    location = None
    if (city := _CITY_AT_END.search(rest)) is not None:
        location, rest = city[1], _trim(rest[: city.start()])
    return Position(company, rest or None, location)


def company_key(name: str) -> str:
    """Equal for spellings of one company."""
    folded = _fold(name)
    return _spellings().get(folded, folded)


def known_aliases(name: str) -> list[str]:
    """Other spellings of a listed company."""
    key = company_key(name)
    return [s for group in _groups() if _fold(group[0]) == key for s in group if _fold(s) != _fold(name)]


def _known_at_start(text: str) -> tuple[str, str] | None:
    for spelling, name in _by_length():
        head, tail = text[: len(spelling)], text[len(spelling) :]
        if _fold(head) != _fold(spelling):
            continue
        if _is_latin(spelling[-1]) and tail[:1] and _is_latin(tail[0]):
            continue  # Metabolic is not Meta
        if spelling == "快Star":  # a programme of Kuaishou's: its name belongs to the role
            return name, text
        return name, tail
    return None


def _unknown_company_length(text: str) -> int:
    glue = _GLUE.search(text)
    end = glue.start() if glue is not None else len(text)
    if (suffix := _COMPANY_END.match(text)) is not None and suffix.end() <= end:
        return suffix.end()
    role = _ROLE_WORDS.search(text)
    change = _CHINESE_THEN_LATIN.match(text)
    if change is not None and change.end() <= end and (role is None or change.end() <= role.start()):
        return change.end()
    if role is not None and role.start() > 0:
        latin = all(ord(c) < 0x2E80 for c in text[: role.start()])
        # A Latin name may have spaces in it (`Blue Ridge Compute inference`), a Chinese one has none.
        return role.start() if latin and not _hard_separator(text[: role.start()]) else min(role.start(), end)
    return end


def _hard_separator(text: str) -> bool:
    return bool(re.search(r"[,，/|:：;；@（(]|\s[-–—·]\s", text.rstrip(_SEPARATORS)))


def _trim(text: str) -> str:
    text = text.strip(_SEPARATORS)
    for opening, closing in ("()", "（）"):
        if text.startswith(opening) and text.endswith(closing) and text.count(opening) == 1:
            text = text[1:-1].strip(_SEPARATORS)
    return text


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


@cache
def _fold(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


@cache
def _groups() -> list[list[str]]:
    lines = Path(__file__).with_name("companies.txt").read_text(encoding="utf-8").splitlines()
    return [[s.strip() for s in line.split(",")] for line in lines if line.strip() and not line.startswith("#")]


@cache
def _spellings() -> dict[str, str]:
    return {_fold(s): _fold(group[0]) for group in _groups() for s in group}


@cache
def _by_length() -> list[tuple[str, str]]:
    pairs = [(s, group[0]) for group in _groups() for s in group]
    return sorted(pairs, key=lambda pair: -len(pair[0]))
