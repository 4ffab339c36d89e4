"""The career cards are templates: the same facts in both languages, nobody's biography, and numbers that are right."""

from __future__ import annotations

import inspect
import itertools
import math
import re

import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, details, everything, face, numbers, table

CARDS = (
    "self-introduction",
    "motivation",
    "project-narrative-lowcode",
    "fair-benchmark-sas",
    "transpose-metric-honesty",
    "star-persuading-others",
    "star-grievance",
    "star-pressure",
)
PARTS: dict[Lang, tuple[str, ...]] = {
    "en": ("Situation", "Task", "Action", "Result"),
    "zh": ("情境", "任务", "行动", "结果"),
}
H100 = {"FP32": 66.9, "TF32": 494.7, "FP16": 989.4, "INT8": 1978.9}
BANDWIDTH = 3.35e12


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"<[^<>]+>", re.sub(r"\s+", " ", text)))


def units(text: str) -> int:
    """What one says: each Chinese character, and each word or placeholder in Latin letters."""
    return len(re.findall(r"[\u4e00-\u9fff]|[A-Za-z0-9<>]+", text))


@pytest.mark.parametrize("card", CARDS)
def test_answers_leave_the_same_blanks_in_both_languages(card: str) -> None:
    def blanks(lang: Lang) -> set[str]:
        return {blank.partition(",")[0].rstrip(">") for blank in placeholders(face(f"career/{card}", lang).answer)}

    assert blanks("en") == blanks("zh")


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("lang", LANGS)
def test_nobody_is_described(card: str, lang: Lang) -> None:
    text = everything(f"career/{card}", lang)
    counts = {"2000", "2010", "2040", "2048"}  # times and FLOPs, no years
    assert set(re.findall(r"\b(?:19|20)\d\d\b(?!\.\d)", text)) <= counts
    assert not re.search(r"浙|大学|Zhejiang|\bUniversity\b|\d\d ?级|研究所", text)


@pytest.mark.parametrize("card", [card for card in CARDS if card.startswith("star")])
def test_star_outlines_go_through_the_four_parts_in_order(card: str) -> None:
    for lang in LANGS:
        parts = PARTS[lang]
        places = [re.search(rf"^{part}[:：]", face(f"career/{card}", lang).answer, re.M) for part in parts]
        assert all(places), (card, lang)
        starts = [place.start() for place in places if place]
        assert starts == sorted(starts)


@pytest.mark.parametrize("card", CARDS)
def test_both_languages_give_the_same_numbers(card: str) -> None:
    assert sorted(numbers(details(f"career/{card}", "en"))) == sorted(numbers(details(f"career/{card}", "zh")))


# --- the introduction -------------------------------------------------------------------------------------------------


def short_form(lang: Lang) -> str:
    [text] = re.findall(r"\*\*30 (?:seconds|秒版)[:：]\*\*(.*?)\n\n", details("career/self-introduction", lang), re.S)
    return str(text)


def test_short_introduction_is_part_of_the_long_one() -> None:
    for lang in LANGS:
        assert placeholders(short_form(lang)) < placeholders(face("career/self-introduction", lang).answer)
    assert placeholders(short_form("en")) == placeholders(short_form("zh"))


@pytest.mark.parametrize("lang", LANGS)
def test_introductions_last_as_long_as_the_card_says(lang: Lang) -> None:
    long_en, short_en = (
        len(text.split()) for text in (face("career/self-introduction", "en").answer, short_form("en"))
    )
    long_zh, short_zh = (units(text) for text in (face("career/self-introduction", "zh").answer, short_form("zh")))
    seconds = {"en": [60 * n / 140 for n in (long_en, short_en)], "zh": [60 * n / 240 for n in (long_zh, short_zh)]}
    text = details("career/self-introduction", lang)
    assert re.search(r"140 English words or 240 Chinese|240 个汉字或 140 个英文词", text)
    for value in (*seconds["en"], *seconds["zh"]):
        assert re.search(rf"(?<!\d){round(value)} (s|秒)", text), (value, lang)


# --- the reason -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_time_to_read_the_weights(lang: Lang) -> None:
    rows = table("career/motivation", lang, "3.35 TB/s")
    assert len(rows) == 3
    for model, size, time, rate in rows:
        billions = numbers(model)[0]
        bits = 16 if "bf16" in model else 8 if "fp8" in model else 4
        gigabytes = billions * bits / 8
        assert numbers(size) == [gigabytes]
        milliseconds = gigabytes * 1e9 / BANDWIDTH * 1e3
        assert numbers(time) == [round(milliseconds, 1)]
        assert numbers(rate) == [math.floor(BANDWIDTH / (gigabytes * 1e9))]  # a bound is rounded down
    assert re.search(r"4\.8 (milliseconds|毫秒)", face("career/motivation", lang).answer)


# --- the project ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_ceiling_depends_on_the_baseline(lang: Lang) -> None:
    text = details("career/project-narrative-lowcode", lang)
    for name, peak in H100.items():
        assert f"{name} {peak}" in text
    for name in ("FP16", "TF32", "FP32"):
        assert re.search(rf"{H100['INT8'] / H100[name]:.1f}(x over| 倍)", text), name


@pytest.mark.parametrize("lang", LANGS)
def test_size_of_the_im2col_matrix(lang: Lang) -> None:
    text = details("career/project-narrative-lowcode", lang)
    m, k = 32 * 56 * 56, 256 * 3 * 3
    matrix, given = 2 * m * k, 2 * 32 * 56 * 56 * 256
    assert re.search(r"3 × 3(?: layer with |、)256( channels, | 通道、)56 × 56(, |、)batch 32", text)
    assert f"M = {m}" in text
    assert f"K = {k}" in text
    assert f"{matrix / 1e6:.0f} MB" in text
    assert f"{given / 1e6:.0f} MB" in text
    assert matrix == 9 * given


@pytest.mark.parametrize("lang", LANGS)
def test_project_fits_in_two_minutes(lang: Lang) -> None:
    picture = code("career/project-narrative-lowcode", lang, "text")
    assert sum(int(s) for s in re.findall(r"(\d+) s", picture)) == 120


# --- the comparison ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_overhead_makes_equal_operators_look_unequal(lang: Lang) -> None:
    text = details("career/fair-benchmark-sas", lang)
    mine, theirs = 10, 40
    assert (20 + theirs) / (20 + mine) == 2
    ratio = (2000 + theirs) / (2000 + mine)
    assert f"{2000 + theirs} / {2000 + mine} = {ratio:.2f}" in text
    picture = code("career/fair-benchmark-sas", lang, "text")
    assert f"theirs: {theirs} + w" in picture
    assert re.findall(r"^ *(\d+) \|", picture, re.M) == [str(theirs), str(mine)]
    assert f"mine: {mine} + w" in picture


@pytest.mark.parametrize("lang", LANGS)
def test_two_meanings_of_fifty_percent(lang: Lang) -> None:
    text = everything("career/fair-benchmark-sas", lang)
    assert round(100 * (1 - 1 / 1.5)) == 33
    assert re.search(r"1\.5(x speed is 33 % less| 倍是时间少 33%)", text)


@pytest.mark.parametrize("lang", LANGS)
def test_bandwidth_of_a_cpu_and_a_gpu(lang: Lang) -> None:
    cpu = 8 * 8 * 4.8
    text = details("career/fair-benchmark-sas", lang)
    assert f"= {cpu:.0f}$ GB/s" in text
    assert f"{BANDWIDTH / 1e9 / cpu:.1f}" in text


@pytest.mark.parametrize("lang", LANGS)
def test_what_do_bench_does(lang: Lang) -> None:
    testing = pytest.importorskip("triton.testing")
    defaults = {name: p.default for name, p in inspect.signature(testing.do_bench).parameters.items()}
    text = details("career/fair-benchmark-sas", lang)
    assert re.search(rf"(warm-up|预热) {defaults['warmup']} ms", text)
    assert re.search(rf"{defaults['rep']} ms", text)
    assert defaults["return_mode"] == "mean"
    body = inspect.getsource(testing.do_bench)
    [estimates] = re.findall(r"(?:estimate of|估时跑) (\d+)", text)
    assert f"range({estimates})" in body
    timed = body[body.index("# Benchmark") :]
    assert timed.index("clear_cache") < timed.index("record()") < timed.index("fn()")
    assert re.search(r"(mean unless told otherwise|不指定就返回平均值)", text)


# --- the transpose ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_transpose_times_are_those_of_the_kernel_card(lang: Lang) -> None:
    measured = {name.split()[0]: (time, share) for name, time, _, share in table("cuda/transpose-kernel", "en", "GB/s")}
    padded = next(row for row in table("cuda/transpose-kernel", "en", "GB/s") if "[33]" in row[0])
    expected = [measured["naive"][0], padded[1], measured["copy"][0]]
    rows = table("career/transpose-metric-honesty", lang, "H200")
    assert [numbers(row[1]) for row in rows] == [numbers(time) for time in expected]
    copy = numbers(rows[2][1])[0]
    for _, time, share in rows:
        assert numbers(share) == [round(100 * copy / numbers(time)[0])]
    assert re.search(r"84 ?(percent of the copy|%)", face("career/transpose-metric-honesty", lang).answer)


@pytest.mark.parametrize("lang", LANGS)
def test_attention_computes_and_a_transpose_does_not(lang: Lang) -> None:
    text = details("career/transpose-metric-honesty", lang)
    s, d = 4096, 128
    flops, moved = 4 * s * s * d, 4 * s * d * 2
    assert f"S = {s}" in text
    assert f"D = {d}" in text
    assert "$4 S D \\cdot 2 = " in text
    assert f"{flops / 1e9:.2f}$ GFLOP" in text
    assert f"{moved / 1e6:.2f}$ MB" in text
    assert f"{flops // moved}" in text
    assert f"{H100['FP16']} / {BANDWIDTH / 1e12:.2f} = {H100['FP16'] * 1e12 / BANDWIDTH:.0f}" in text


@pytest.mark.parametrize("lang", LANGS)
def test_permute_is_a_view(lang: Lang) -> None:
    torch = pytest.importorskip("torch")
    names: dict[str, object] = {"torch": torch}
    exec(code("career/transpose-metric-honesty", lang, "python"), names)
    view = names["v"]
    assert isinstance(view, torch.Tensor)
    assert view.contiguous().data_ptr() != view.data_ptr()
    with pytest.raises(RuntimeError):
        view.view(-1)
    image = torch.empty(2, 3, 4, 5)
    assert image.to(memory_format=torch.channels_last).data_ptr() != image.data_ptr()


def test_triton_turns_tiles() -> None:
    language = pytest.importorskip("triton.language")
    assert callable(language.trans)
    assert callable(language.permute)


# --- time and scope ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_budget_of_a_story(lang: Lang) -> None:
    *parts, total = table("career/star-persuading-others", lang, "words" if lang == "en" else "词")
    seconds, words = [int(row[1]) for row in parts], [int(row[2]) for row in parts]
    assert (sum(seconds), sum(words)) == (int(total[1]), int(total[2])) == (90, 210)
    assert words == [round(140 * s / 60) for s in seconds]
    assert re.search(rf"{240 * 90 // 60} (in all|字)", details("career/star-persuading-others", lang))


@pytest.mark.parametrize("lang", LANGS)
def test_story_of_the_grievance_takes_ninety_seconds(lang: Lang) -> None:
    *parts, total = re.findall(r"(\d+) s", code("career/star-grievance", lang, "text"))
    assert sum(map(int, parts)) == int(total) == 90


@pytest.mark.parametrize("lang", LANGS)
def test_picture_of_the_scope_has_one_sign_a_day(lang: Lang) -> None:
    weeks, bars = code("career/star-pressure", lang, "text").splitlines()[:2]
    start = bars.index("|")
    assert [weeks.index(str(week)) - start for week in range(1, 9)] == [5 * week for week in range(8)]
    edges = [at - start for at, sign in enumerate(bars) if sign == "|"]
    assert [after - before for before, after in itertools.pairwise(edges)] == [6] * 5 + [6 + 4]
    assert bars.index("test") - start == 36


@pytest.mark.parametrize("lang", LANGS)
def test_arithmetic_of_the_scope(lang: Lang) -> None:
    text = details("career/star-pressure", lang)
    said = (
        r"Say (\d+) operators at (\d+) working days each, (\d+) weeks of (\d+)"
        r"|假设 (\d+) 个算子，每个 (\d+) 个工作日，一共 (\d+) 周、每周 (\d+) 天"
    )
    [found] = re.findall(said, text)
    operators, each, weeks, week = (int(n) for n in found if n)
    days = weeks * week
    assert f"${operators * each} > {days}$" in text
    assert days // each == 6
    assert f"${6 * each}$" in text
    assert days - 6 * each == 4
    assert re.search(r"(with 4 to spare|还剩 4 天)", text)
