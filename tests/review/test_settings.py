"""config.toml: what it may say, and how faults in it are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep.errors import ConfigError, HomeNotWritable
from prep.settings import Settings, config_path, load_settings, save_lang


def write(text: str) -> Path:
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold(home: Path) -> None:
    settings = load_settings()
    assert settings == Settings()
    assert (settings.desired_retention, settings.maximum_interval, settings.rollover_hour) == (0.9, 180, 4)
    assert 10 <= settings.new_per_day <= 15
    assert not home.exists()  # looking creates nothing


@pytest.mark.parametrize(
    ("variables", "lang"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": ""}, "en"),
    ],
)
def test_the_language_follows_the_locale(
    home: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], lang: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load_settings().lang == lang


def test_the_editor(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "ed")
    assert load_settings().editor == "ed"
    monkeypatch.setenv("VISUAL", "code --wait")
    assert load_settings().editor == "code --wait"
    write('editor = "hx"\n')
    assert load_settings().editor == "hx"
    monkeypatch.delenv("EDITOR")
    monkeypatch.delenv("VISUAL")
    monkeypatch.setenv("PATH", "")
    assert Settings().editor == ""


def test_every_setting_can_be_set(home: Path) -> None:
    write('lang = "zh"\ndesired_retention = 0.93\nnew_per_day = 5\nrollover_hour = 0\ngrades = 2\n')
    settings = load_settings()
    assert (settings.lang, settings.desired_retention, settings.new_per_day) == ("zh", 0.93, 5)
    assert (settings.rollover_hour, settings.grades) == (0, 2)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("new_per_day = 5\nnew_per_dya = 6\n", 2, "new_per_dya"),
        ("# one\n\nnew_per_day = '5'\n", 3, "whole number"),
        ("new_per_day = true\n", 1, "whole number"),
        ("lang = 'en'\ndesired_retention = 1.5\n", 2, "between 0.7 and 0.97"),
        ('lang = "fr"\n', 1, '"en" or "zh"'),
        ("grades = 3\n", 1, "2 or 4"),
        ("maximum_interval = 0\n", 1, "between 1 and"),
        ("lang = 'en'\nnew_per_day = = 5\n", 2, "not TOML"),
        ("[review]\nnew_per_day = 5\n", 1, "review"),
    ],
)
def test_a_fault_names_its_line(home: Path, text: str, line: int, said: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert (caught.value.where, caught.value.line, caught.value.exit_code) == (path, line, 2)
    assert said in caught.value.message
    assert "\n" not in str(caught.value)


def test_a_near_miss_is_suggested(home: Path) -> None:
    write("new_per_dya = 6\n")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "new_per_day" in caught.value.hint


def test_a_file_that_is_not_text(home: Path) -> None:
    path = write("")
    path.write_bytes(b"lang = \xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_settings()


def test_saving_the_language_keeps_every_other_line(home: Path) -> None:
    path = write('# mine\nnew_per_day = 5  # few\n  lang = "en"\n')
    save_lang("zh")
    assert path.read_text(encoding="utf-8") == '# mine\nnew_per_day = 5  # few\nlang = "zh"\n'
    assert load_settings().lang == "zh"
    assert [p.name for p in path.parent.iterdir()] == ["config.toml"]


def test_saving_the_language_the_first_time(home: Path) -> None:
    save_lang("zh")
    assert load_settings() == Settings(lang="zh")


def test_saving_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable):
        save_lang("zh", tmp_path / "file" / "config" / "config.toml")
