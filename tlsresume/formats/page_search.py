"""From words to pages: whole lines of logs, or a few words of one.

A line holds times, names, addresses, and somewhere in it a message. It is compared with the
messages of `log_messages` and with the pages' own texts by the words they share. A word
counts by how rare it is among all of them: "binder" tells a lot, "ssl" nothing. A message
fits by the share of its weight that the line has; pages are ordered by their best message,
and by their texts where no message fits. Linear in the line and in the table.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

from tlsresume.findings.log_messages import MESSAGES, LogMessage
from tlsresume.formats.explanation import Explanation
from tlsresume.value import Value

#: More of a line than this says no more.
_LONGEST = 4096

#: A message that has less of its weight in the line is another message.
_FITS = 0.6
_WHOLE = 0.95

#: The least weight of the words that a page's own text shares with the line.
_TELLING = 4.5
_TELLING_SHARE = 0.7

#: More pages than this would be a list, and there is one.
_MOST = 4

_WORD = re.compile(r"[a-z]+[0-9]*[a-z]*|(?<![0-9a-z])[0-9]{3}(?![0-9a-z])|#?[0-9]{4,6}(?![0-9])")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

#: Words that lines have anyway.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by did do for from has have if in is it its no not of on or the"
        " to was were when with error errors err failed failure fatal info warn warning routines"
        " ssl tls line client server",
    )
)


class Found(Value, frozen=True):
    """The pages that a line leads to, the best first. `whole`: a message is in the line, word
    for word."""

    pages: tuple[Explanation, ...]
    whole: bool


def words_of(text: str) -> frozenset[str]:
    """The telling words of a text: in lower case, names in capitals or camel case taken
    apart."""
    text = _CAMEL.sub(" ", text).lower().replace("'", "")
    return frozenset(_WORD.findall(text)) - _COMMON


class _Index(Value, frozen=True, kw_only=True):
    messages: tuple[frozenset[str], ...]
    texts: dict[str, frozenset[str]]
    plain: dict[str, str]
    weight: dict[str, float]


@lru_cache(maxsize=2)
def _index(every: tuple[Explanation, ...]) -> _Index:
    messages = tuple(words_of(message.text) for message in MESSAGES)
    plain = {page.code: _page_text(page) for page in every}
    texts = {code: words_of(text) for code, text in plain.items()}
    known = [*messages, *texts.values()]
    counts = Counter(word for words in known for word in words)
    weight = {word: math.log(len(known) / count) for word, count in counts.items()}
    return _Index(
        messages=messages,
        texts=texts,
        plain={code: _flat(text) for code, text in plain.items()},
        weight=weight,
    )


def _page_text(page: Explanation) -> str:
    texts = (page.code, page.title, page.cause, page.how_told, page.why_not_here, page.advice,
             *page.directives, *page.sources)  # fmt: skip
    return "\n".join(text for text in texts if text)


def _flat(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").split())


def search(line: str, every: tuple[Explanation, ...]) -> Found:
    """The pages, of `every`, for a line of a log or for words of one."""
    line = line[:_LONGEST]
    index, wanted, phrase = _index(every), words_of(line), _flat(line)

    def weigh(words: frozenset[str]) -> float:
        return sum(index.weight.get(word, 0.0) for word in words)

    scores: dict[str, float] = {}
    best: LogMessage | None = None
    best_score = best_share = 0.0
    for number, words in enumerate(index.messages):
        shared = weigh(words & wanted)
        share = shared / (weigh(words) or 1.0)
        if share < _FITS:
            continue
        # Of two messages that fit as well, the one that says more.
        score = share * share * shared
        code = MESSAGES[number].page
        scores[code] = max(scores.get(code, 0.0), score)
        if score > best_score:
            best, best_score, best_share = MESSAGES[number], score, share
    known = weigh(frozenset(word for word in wanted if word in index.weight)) or 1.0
    for code, words in index.texts.items():
        shared = weigh(words & wanted)
        if len(words & wanted) > 1 and phrase in index.plain[code]:
            scores[code] = scores.get(code, 0.0) + shared
        elif shared >= _TELLING and shared / known >= _TELLING_SHARE and len(words & wanted) > 1:
            # A page's text is long: it is weaker evidence than a message.
            scores[code] = scores.get(code, 0.0) + shared / 4
    ranked = sorted(scores, key=lambda code: -scores[code])
    codes = list(dict.fromkeys((*ranked[:1], *(best.others if best else ()), *ranked[1:])))[:_MOST]
    by_code = {page.code: page for page in every}
    return Found(tuple(by_code[code] for code in codes if code in by_code), best_share > _WHOLE)
