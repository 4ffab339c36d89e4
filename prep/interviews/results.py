"""The words people write into a result column, and the result that each of them means."""

from __future__ import annotations

import re
import unicodedata

# In this order: 没过 holds 过, `offer 拒了` holds 拒, `no offer` holds offer. Each pattern must match the whole cell.
_MEANINGS: list[tuple[str, re.Pattern[str]]] = [
    (result, re.compile(pattern))
    for result, pattern in (
        (
            "pending",
            r"|[-—–?/…~.]+|等|等待中?|等结果|等消息|等通知|在等|待定|待通知|待面试?|未出|未知|流程中|进行中|面试中|还没出"
            r"|pending|waiting|tbd|tba|n/?a|in (?:process|progress)|scheduled|unknown",
        ),
        (
            "ghosted",
            r"无后续.*|没后续.*|没有后续.*|没下文.*|无下文.*|没消息.*|没有消息.*|无消息.*|杳无音[信讯]|石沉大海|失联|无回复|没回复|没有回复|泡池子.*"
            r"|ghost(?:ed)?|no (?:response|reply|answer|news)|silence|never heard back",
        ),
        (
            "withdrawn",
            r"放弃.*|取消.*|主动放弃.*|我?拒了?\s*offer|offer.*(?:拒了?|放弃|declined)|没去|不去了?|鸽了"
            r"|withdr[ae]w[n]?|declined(?: by me)?|cancell?ed|i declined.*",
        ),
        (
            "fail",
            r"(?!.*(?:没|未|还没|没有)挂).*挂(?:了|掉)?|未通过.*|不通过.*|没通过.*|没过.*|没有过.*|凉凉?了?|寄了?|已?拒了?|被拒.*"
            r"|拒绝|拒信|感谢信|不合适|淘汰|没有?\s*offer|无\s*offer"
            r"|fail(?:ed)?|reject(?:ed|ion)?|no(?: hire| offer)?|not (?:passed|selected)"
            r"|✗|✘|❌|×|x",
        ),
        (
            "offer",
            r"(?:已|拿到|拿了|有|收到|口头)?\s*offer(?:了|!|！|到手|ed)?|oc|已?oc|意向书?|录用|录取|hired|accepted",
        ),
        (
            "pass",
            r"(?:[一二三四五六终初复\d]|hr|技术|主管|笔试)?\s*面?试?(?:都|已|已经)?(?:通过|过)了?|进入?.{1,4}面|等[二三四终]面"
            r"|pass(?:ed)?|next round|advanced|moved on|yes|✓|✔|✅|√",
        ),
    )
]  # fmt: skip


def parse_result(text: str) -> str | None:
    """The result that a cell means, `pending` for an empty one; None when its words are not known."""
    folded = unicodedata.normalize("NFKC", text).casefold().strip().rstrip("。.!！ ")
    return next((result for result, pattern in _MEANINGS if pattern.fullmatch(folded)), None)
