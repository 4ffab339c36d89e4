"""A copy of the log without the names of companies and interviewers: what an agreement of secrecy asks to leave out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, replace

from prep.interviews.companies import known_aliases
from prep.interviews.folding import fold_characters, word_pattern
from prep.interviews.model import UNKNOWN_COMPANY, Application, ApplicationEvent, Interview, Question

Company = tuple[str, str, list[str]]

_QUESTION_TEXTS = ("text_md", "topic", "follow_ups", "what_i_said", "better_answer")
_INTERVIEW_TEXTS = ("role", "location", "format", "feeling_text", "result_text", "notes_md")


class Redactor:
    """Replaces every known spelling of the log's companies, and the interviewers' names, wherever they stand."""

    def __init__(self, companies: Sequence[Company], interviews: Sequence[Interview]) -> None:
        self.names: dict[str, str] = {}
        """Company -> what it is called instead."""
        patterns: dict[str, str] = {}
        for name, aliases in [(name, aliases) for _, name, aliases in companies]:
            if name == UNKNOWN_COMPANY:
                continue
            self.names[name] = f"Company {len(self.names) + 1}"
            for spelling in (name, *aliases, *known_aliases(name)):
                patterns[fold_characters(spelling)] = self.names[name]
        for interview in interviews:
            for person in _people(interview.interviewers or ""):
                patterns.setdefault(fold_characters(person), "(interviewer)")
        self._replacements = patterns
        longest_first = sorted(patterns, key=len, reverse=True)
        self._pattern = re.compile("|".join(word_pattern(p) for p in longest_first)) if patterns else None

    def text(self, text: str | None) -> str | None:
        """`text` without the names."""
        if not text or self._pattern is None:
            return text
        pieces, end = [], 0
        for match in self._pattern.finditer(
            fold_characters(text)
        ):  # folded character by character: the positions are the text's
            pieces += [text[end : match.start()], self._replacements[match[0]]]
            end = match.end()
        return "".join(pieces) + text[end:]

    def company(self, company: Company) -> Company:
        company_id, name, _ = company
        return company_id, self.names.get(name, name), []

    def application(self, application: Application) -> Application:
        return replace(
            application,
            company=self.names.get(application.company, application.company),
            role=self.text(application.role),
            location=self.text(application.location),
            source=None,
            url=None,
            jd_snapshot=None,
            next_action=self.text(application.next_action),
        )

    def event(self, event: ApplicationEvent) -> ApplicationEvent:
        return replace(event, note=self.text(event.note), changes=None)

    def interview(self, interview: Interview) -> Interview:
        hidden = replace(
            interview,
            company=self.names.get(interview.company, interview.company),
            interviewers=None,
            when_text=None,
            imported=None,
            questions=[self.question(q) for q in interview.questions],
        )
        for name in _INTERVIEW_TEXTS:
            setattr(hidden, name, self.text(getattr(interview, name)))
        return hidden

    def question(self, question: Question) -> Question:
        values = {f.name: getattr(question, f.name) for f in fields(Question)}
        return Question(**values | {name: self.text(values[name]) for name in _QUESTION_TEXTS})


def _people(interviewers: str) -> list[str]:
    """Each name in a list of them, and its parts of two letters or more, without titles."""
    names = [name.strip() for name in re.split(r"[,，、;；/&\n]| and |和", interviewers) if name.strip()]
    parts = [part.strip(".") for name in names for part in name.split()]
    return names + [part for part in parts if len(part) > 1]
