"""Every code has its words: message, hint and question in both languages, and says how sure it is."""

from __future__ import annotations

import string

import pytest

from prep.exercises.codes import CODES
from prep.exercises.spec import Case

pytest.importorskip("numpy")

from prep.grading.diagnosis.messages import diagnosis
from prep.grading.diagnosis.words import CONFIDENCES, LIKELY, MESSAGES

CASE = Case("tail", "cpu", {"N": 3}, "float32", "why", name_zh="尾部")


def test_words_are_there_for_every_code_and_for_no_other() -> None:
    assert set(MESSAGES) == set(CODES)
    assert set(CODES) >= LIKELY


@pytest.mark.parametrize("code", CODES)
def test_both_languages_say_the_same_things(code: str) -> None:
    for text in MESSAGES[code]:
        assert text.en.strip()
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text.zh), text.zh
        fields = [{name for _, name, _, _ in string.Formatter().parse(words) if name} for words in text]
        assert fields[0] == fields[1]
    assert MESSAGES[code].question.en.endswith(("?", "."))
    found = diagnosis(code, b"x = 1", line=1, case=CASE, detail="d", name="out", index="0", got=1.0, expected=2.0)
    assert found["confidence"] in CONFIDENCES
    assert found["case"] == "tail"
    assert found["source"] == "x = 1"


def test_a_guess_says_so_and_a_case_has_its_own_name_in_each_language() -> None:
    found = diagnosis(
        "hardcoded-shape", b"", case=CASE, confidence="guess", name="out", index="0", got=1.0, expected=2.0
    )
    assert found["message"].startswith("a guess: ")
    assert found["messages"]["zh"].startswith("猜测：")
    assert "'tail'" in found["message"]
    assert "'尾部'" in found["messages"]["zh"]
    assert found["confidences"]["zh"] == CONFIDENCES["guess"].zh
    assert diagnosis("race", b"")["confidence"] == "certain"
    assert diagnosis("tail-wrong", b"")["confidence"] == "likely"
