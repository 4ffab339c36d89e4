"""Dates as people type them: `5/19 20：00 字节AI Infra`, `5月19日 晚上8点`, `Thu 15:00`, `tomorrow 7pm`.

Matching is done on a copy of the text in which every character is folded by itself (full-width digits and colons become
ASCII), so that both have the same length and what is left over is cut from the text as it was typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from prep.interviews.folding import fold_characters
from prep.interviews.problem import Problem

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_N = r"[0-9〇零一二两三四五六七八九十]{1,3}"
_DATES = [
    re.compile(pattern)
    for pattern in (
        r"(?P<y>\d{4})\s*(?P<sep>[-/.])\s*(?P<m>\d{1,2})\s*(?P=sep)\s*(?P<d>\d{1,2})(?!\d)",
        r"(?P<y>\d{4}|\d{2})\s*年\s*(?P<m>" + _N + r")\s*月\s*(?P<d>" + _N + r")\s*[日号號]?",
        r"(?P<y>20\d{2})(?P<m>\d{2})(?P<d>\d{2})(?!\d)",
        r"(?P<m>" + _N + r")\s*月\s*(?P<d>" + _N + r")\s*[日号號]?",
        r"(?P<m>\d{1,2})\s*(?P<sep>[/.])\s*(?P<d>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})(?!\d)",
        r"(?P<m>\d{1,2})\s?/\s?(?P<d>\d{1,2})(?![\d/])[日号]?",
        r"(?P<m>\d{1,2})\.(?P<d>\d{1,2})(?!\d|\.\d)[日号]?",
        r"(?P<m>\d{1,2})-(?P<d>\d{1,2})(?!\d|-\d|:)",
        _MONTH + r"\s*(?P<d>\d{1,2})(?:st|nd|rd|th)?(?![\d:])(?:,?\s+(?P<y>\d{4})(?![\d:]))?",
        r"(?P<d>\d{1,2})(?:st|nd|rd|th)?\s*(?:of\s+)?" + _MONTH + r"(?![a-z])(?:,?\s+(?P<y>\d{4})(?![\d:]))?",
    )
]
_RELATIVE = re.compile(
    r"(?P<word>大后天|大前天|今天|今日|今晚|今早|明天|明日|明晚|明早|后天|昨天|昨日|昨晚|前天"
    r"|day after tomorrow|today|tonight|tomorrow|tmr|yesterday)(?![a-z])"
    r"|(?P<n>\d{1,3})\s*天(?P<way>后|以后|之后|前|以前|之前)"
    r"|in (?P<ahead>\d{1,3}) days?(?![a-z])|(?P<ago>\d{1,3}) days? ago"
)
_DAYS_AWAY = {
    "大后天": 3, "大前天": -3, "今天": 0, "今日": 0, "今晚": 0, "今早": 0, "明天": 1, "明日": 1, "明晚": 1, "明早": 1,
    "后天": 2, "昨天": -1, "昨日": -1, "昨晚": -1, "前天": -2, "day after tomorrow": 2, "today": 0, "tonight": 0,
    "tomorrow": 1, "tmr": 1, "yesterday": -1,
}  # fmt: skip
_WEEKDAY = re.compile(
    r"[(\[]?(?:(?P<zhweek>上上个?|上个?|下下个?|下个?|本|这个?)?(?:周|星期|礼拜)(?P<zh>[一二三四五六日天])"
    r"|(?:(?P<week>this|next|last)\s+)?(?P<en>mon|tue|wed|thu|fri|sat|sun)"
    r"(?:day|s|sday|nesday|rs|r|rsday|urday)?\.?(?![a-z]))[)\]]?"
)
_PERIOD = r"(?P<period>凌晨|清晨|早上|早晨|上午|早|正午|中午|下午|午后|傍晚|晚上|晚间|夜里|晚)"
_TIMES = [
    re.compile(pattern)
    for pattern in (
        rf"{_PERIOD}?\s*(?P<h>\d{{1,2}})\s?:\s?(?P<min>\d{{2}})(?::\d{{2}})?(?!\d)(?:\s*(?P<half>[ap])\.?m(?![a-z])\.?)?",
        rf"{_PERIOD}?\s*(?P<h>{_N})\s*[点點时時](?:钟|整)?(?:(?P<word>半|一刻|三刻)|(?P<min>{_N})\s*分|(?P<min2>\d{{2}})(?!\d))?",
        r"(?P<h>\d{1,2})\s*(?P<half>[ap])\.?m(?![a-z])\.?",
    )
]
_BARE_PERIOD = re.compile(_PERIOD.replace("|早|", "|").replace("|晚)", ")"))  # 早 alone may begin a name
_EVENING = ("下午", "午后", "傍晚", "晚上", "晚间", "夜里", "晚")
_UNDECIDED = re.compile(r"(?:待定|未定|时间待定|tbd|tba)(?![a-z])")
_TO = re.compile(r"\s*(?:-|–|—|~|到|至|to)\s*")
_GAP = re.compile(r"[\s,;、·()|]*")
_STRONG = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}月\d{1,2}|(?<![\d/.])\d{1,2}[/.]\d{1,2}\s+\d{1,2}:\d{2}")


@dataclass(frozen=True, slots=True)
class When:
    """What a text says about a date."""

    held_on: str | None
    """YYYY-MM-DD; None when there is no date, or an impossible one."""
    held_time: str | None
    """HH:MM."""
    minutes: int | None
    """The length, when an end is given as in 19:00-20:30."""
    rest: str
    """What is left of the text, as it was typed."""
    problems: tuple[Problem, ...]
    """What could not be read; empty when everything was."""
    has_year: bool
    """Whether the year is the text's own and not the one assumed."""


def parse_when(text: str, *, year: int, today: date | None = None) -> When:
    """Read a date, and a time after it, from the start of `text`, or from within it where that is unmistakable.

    Args:
        year: the year of a date that has none, as in 5/19.
        today: what `tomorrow` and `Thu` count from. Without it, as in a file of unknown age, they stay text.
    """
    folded = fold_characters(text)
    reading = _Reading(folded, year, today)
    reading.run(0)
    before = ""
    if not reading.found and (strong := _STRONG.search(folded)) is not None:
        reading = _Reading(folded, year, today)
        reading.run(strong.start())
        before = text[: strong.start()].strip()
    rest = text[reading.position :].strip().lstrip(",，;；、").strip()
    problems = reading.problems
    if reading.held_on is None and not problems:
        problems = [Problem("no date in it", "没有日期")]
    return When(
        held_on=reading.held_on.isoformat() if reading.held_on else None,
        held_time=reading.held_time,
        minutes=reading.minutes,
        rest=f"{before} {rest}".strip(),
        problems=tuple(problems),
        has_year=reading.has_year,
    )


def format_when(held_on: str | None, held_time: str | None, *, with_year: bool) -> str:
    """`5/19 20:00`, or `2026-05-19 20:00`: what `parse_when` reads back."""
    parts = []
    if held_on is not None:
        day = date.fromisoformat(held_on)
        parts.append(held_on if with_year else f"{day.month}/{day.day}")
    if held_time is not None:
        parts.append(held_time)
    return " ".join(parts)


class _Reading:
    """One pass over a text: takes a date, weekdays and a time, in any order, until something else comes."""

    def __init__(self, folded: str, year: int, today: date | None) -> None:
        self.text = folded
        self.year = year
        self.today = today
        self.position = 0
        self.held_on: date | None = None
        self.held_time: str | None = None
        self.minutes: int | None = None
        self.has_year = False
        self.found = False
        self.problems: list[Problem] = []
        self._date_seen = self._time_seen = False
        self._weekday: date | None = None
        self._period: str | None = None

    def run(self, start: int) -> None:
        at = self._skip(start)
        while at < len(self.text):
            end = self._step(at)
            if end is None:
                break
            self.found = True
            self.position = end
            at = self._skip(end)
        if not self._date_seen and self._weekday is not None:
            self.held_on = self._weekday
        if self._period is not None and not self._time_seen:
            self.problems.append(Problem(f"{self._period} is no exact time", f"“{self._period}”不是确切的时间"))
        if not self.found:
            self.position = start

    def _step(self, at: int) -> int | None:
        if not self._date_seen:
            for read in (self._date, self._relative):
                if (end := read(at)) is not None:
                    self._date_seen = True
                    return end
            if (undecided := _UNDECIDED.match(self.text, at)) is not None:
                self._date_seen = True
                self.problems.append(Problem(f"{undecided[0]}: no date yet", f"“{undecided[0]}”：还没有日期"))
                return undecided.end()
        if (end := self._weekday_at(at)) is not None:
            return end
        if not self._time_seen:
            if (end := self._time(at)) is not None:
                self._time_seen = True
                return end
            bare = _BARE_PERIOD.match(self.text, at)
            if self._date_seen and self._period is None and bare is not None:
                self._period = bare["period"]
                return bare.end()
        return None

    def _date(self, at: int) -> int | None:
        for pattern in _DATES:
            match = pattern.match(self.text, at)
            if match is None:
                continue
            end = match.end()
            to = _TO.match(self.text, end)
            if to is not None:  # 5/19-5/20: the first day counts
                last = next((m for p in _DATES if (m := p.match(self.text, to.end()))), None)
                end = last.end() if last is not None else end
            if re.match(r"t\d", self.text[end : end + 2]):  # 2026-05-19T20:00
                end += 1
            groups = match.groupdict()
            month = _MONTHS.index(groups["name"][:3]) + 1 if groups.get("name") else _number(groups["m"])
            given = groups.get("y")
            year = self.year if given is None else int(given) + (2000 if len(given) == 2 else 0)
            try:
                self.held_on = date(year, month, _number(groups["d"]))
                self.has_year = given is not None
            except ValueError:
                text = match[0].strip()
                leap = given is None and (month, _number(groups["d"])) == (2, 29)
                self.problems.append(
                    Problem(f"{text} is not a date in {year}", f"{year} 年没有 {text}")
                    if leap
                    else Problem(f"{text} is not a date", f"{text} 不是日期")
                )
            return end
        return None

    def _relative(self, at: int) -> int | None:
        match = _RELATIVE.match(self.text, at)
        if match is None or self.today is None:
            return None
        if match["word"]:
            days = _DAYS_AWAY[match["word"]]
            if match["word"] in ("今晚", "明晚", "昨晚", "tonight"):
                self._period = "晚上"
            elif match["word"] in ("今早", "明早"):
                self._period = "早上"
        else:
            days = int(match["n"] or match["ahead"] or match["ago"])
            days = -days if match["ago"] or (match["way"] or "").endswith("前") else days
        self.held_on, self.has_year = self.today + timedelta(days=days), True
        return match.end()

    def _weekday_at(self, at: int) -> int | None:
        match = _WEEKDAY.match(self.text, at)
        if match is None or self._weekday is not None:
            return None
        if self.today is None:
            # In a file only a date beside it says which week: `周四` alone stays text.
            if not self._date_seen and not any(p.match(self.text, self._skip(match.end())) for p in _DATES):
                return None
            return match.end()
        day = "一二三四五六日".index(match["zh"].replace("天", "日")) if match["zh"] else _weekday_number(match["en"])
        monday = self.today - timedelta(days=self.today.weekday())
        week = (match["zhweek"] or match["week"] or "").removesuffix("个")
        if week in ("", "last"):
            ahead = (day - self.today.weekday()) % 7
            self._weekday = self.today + timedelta(days=ahead if not week else ahead - 7)
        else:
            weeks = {"上上": -2, "上": -1, "本": 0, "这": 0, "this": 0, "下": 1, "next": 1, "下下": 2}[week]
            self._weekday = monday + timedelta(days=day + 7 * weeks)
        if not self._date_seen:
            self.has_year = True
        return match.end()

    def _time(self, at: int) -> int | None:
        first = self._time_at(at, self._period)
        if first is None:
            return None
        minute, end, text, period = first
        if minute is None:
            self.problems.append(Problem(f"{text} is not a time", f"{text} 不是时间"))
            return end
        self.held_time = f"{minute // 60:02}:{minute % 60:02}"
        to = _TO.match(self.text, end)
        if to is not None and (last := self._time_at(to.end(), period)) is not None:
            end = last[1]
            if last[0] is not None and last[0] > minute:
                self.minutes = last[0] - minute
        self._period = None
        return end

    def _time_at(self, at: int, period: str | None) -> tuple[int | None, int, str, str | None] | None:
        """(minute of the day or None when impossible, end, text, period of the day) of a time at `at`."""
        for pattern in _TIMES:
            match = pattern.match(self.text, at)
            if match is None:
                continue
            groups = match.groupdict()
            period = groups.get("period") or period
            hour = _number(groups["h"])
            given = groups.get("min") or groups.get("min2")
            minute = {"半": 30, "一刻": 15, "三刻": 45}.get(groups.get("word") or "", _number(given) if given else 0)
            half = groups.get("half")
            if half is not None:
                impossible = not 1 <= hour <= 12
                hour = hour % 12 + (12 if half == "p" else 0)
            else:
                # 晚上12点 is the end of that day or its beginning: nobody can say which.
                impossible = hour == 12 and period in ("晚上", "晚间", "夜里", "晚")
                after_noon = 11 if period in _EVENING else 2 if period in ("中午", "正午") else 0
                if 1 <= hour <= after_noon:
                    hour += 12
                elif period == "凌晨" and hour == 12:
                    hour = 0
            impossible = impossible or hour > 23 or minute > 59
            return None if impossible else hour * 60 + minute, match.end(), match[0].strip(), period
        return None

    def _skip(self, at: int) -> int:
        gap = _GAP.match(self.text, at)
        return gap.end() if gap is not None else at


def _weekday_number(name: str) -> int:
    return ("mon", "tue", "wed", "thu", "fri", "sat", "sun").index(name)


def _number(text: str) -> int:
    """12, 十二, 二十三 or 〇; a number out of every range where the characters make none."""
    if text.isascii():
        return int(text)
    digits = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
    tens, ten, ones = text.partition("十")
    if any(c not in digits for c in tens + ones) or len(tens) > 1 or len(ones) > 1:
        return 999
    if not ten:
        return digits[text] if len(text) == 1 else 999
    return 10 * digits.get(tens, 1) + digits.get(ones, 0)
