"""Identifiers that machines make up: UUID, ULID, ObjectId, KSUID, nanoid, cuid, hashes, tokens.

They are told from words by three things: length, alphabet, and how random they look. Letters of a random word follow
one another, change case and meet digits as chance has it; those of a name or a slug follow one another as in language.
A constant (`00000000-0000-…`, `1234…`, `abcabc…`) is no identifier, whatever its shape.

A random word looks like a name once in some hundred times. Two versions that each make one up would then differ for no
reason, so two words are judged together: one must look made up, the other only must not look like a name.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from string import ascii_letters, digits
from typing import Final

SHORTEST_CHARS: Final = 16
"""Shorter words have no shape, because too many ordinary words look random."""
SHORTEST_SECRET_CHARS: Final = 8
"""The same under a name that says it is a nonce or a token."""

MAP_KEYS: Final = 50
"""An object with more keys than this is a map, whose keys are data."""

UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

_SHORTEST_TOKEN_CHARS: Final = 20
_LONGEST_SCORED_CHARS: Final = 256
_UUID: Final = re.compile(UUID)
_HEX: Final = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_PREFIXED: Final = re.compile(r"([a-z]{2,16}[_-]|[A-Z]{2,16}[_-])(.{16,})", re.DOTALL)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_+/-]+={0,2}")
_RUNS: Final = re.compile(r"[0-9]+|[A-Za-z]+")
_DIGIT: Final = re.compile(r"[0-9]")
_KEY: Final = re.compile(
    rf"\d+|{UUID}|[0-9a-f]{{16,}}|[0-9A-F]{{16,}}|[0-7][0-9A-HJKMNP-TV-Z]{{25}}|\d{{4}}-\d\d-\d\d.*", re.DOTALL
)

_RANDOM_SCORE: Final = -2.0
"""At least this much looks random: 99 % of random words of 20 characters, and 1 of 1,000 names and slugs."""
_DOUBTFUL_SCORE: Final = -15.0
"""Less than this is language: 1 of 10,000 random words."""
_CERTAIN_SCORE: Final = 99.0
_NO_IDENTIFIER: Final = ("", "", float("-inf"))
_CONSTANT_SHARE: Final = 0.4
_CONSTANT_STEPS: Final = 10
_CHARS_OF_BASE64: Final = ascii_letters + digits + "-_+/="

# Pairs of letters that make up six of seven in English text and in the names of programs.
_COMMON_PAIRS: Final = frozenset(
    """
    ab ac ad ag ai al am an ap ar as at ba be bl bo bu ca ce ch ck cl co ct da de di do ea ec ed ee ef el em en ep er
    es et ev ex ey fa fi fo fr ge gr gs ha he hi ho ia ic id ie ig il im in io ir is it ke la ld le lf li ll lo ls lt
    lu ma me mi mm mo mp na nc nd ne nf ng ni nn no ns nt oc od ol om on oo op or os ot ou pa pe pi pl po pp pr pt py
    qu ra rd re rg ri rn ro rr rs rt ru ry sc se si so sp ss st su ta tc te th ti to tr ts tt tu ty ue ul um un up ur
    us ut va ve wa wi xt yp
    """.split()  # noqa: SIM905 - a list literal of 160 pairs reads worse
)


def _score_pair(first: str, second: str) -> float:
    """Return log2 of how much likelier a random word has this pair of characters than a name, about."""
    if first.isalpha() and second.isalpha():
        if first.islower() and second.isupper():
            return 1.5
        return -3.0 if (first + second).lower() in _COMMON_PAIRS else 1.75
    if first.isdigit() and second.isdigit():
        return -1.0
    return 2.5 if first.isalnum() and second.isalnum() else -0.5


_SCORES: Final = {a + b: _score_pair(a, b) for a in _CHARS_OF_BASE64 for b in _CHARS_OF_BASE64}


def find_identifier_shape(word: str) -> str | None:
    """Return the shape of a word of letters, digits, `_` and `-` (or base64); None if it is not a made-up identifier.

    A prefix is part of the shape: `req_9f8e…` and `ord_9f8e…` differ in it.
    """
    prefixed = _PREFIXED.fullmatch(word)
    if prefixed is not None:
        kind, case, score = _measure(prefixed[2], SHORTEST_CHARS)
        if score >= _RANDOM_SCORE:
            return f"{prefixed[1]}{kind} {case}".rstrip()
    kind, case, score = _measure(word, SHORTEST_CHARS)
    return f"{kind} {case}".rstrip() if score >= _RANDOM_SCORE else None


def are_identifiers_alike(primary: str, shadow: str, shortest: int = SHORTEST_CHARS) -> bool:
    """True if two words are made-up identifiers of one length, alphabet and prefix, and neither is a constant.

    `shortest` is SHORTEST_SECRET_CHARS where a name says that they are made up: then neither must look random.
    """
    if len(primary) != len(shadow):
        return False
    primary_parts, shadow_parts = _PREFIXED.fullmatch(primary), _PREFIXED.fullmatch(shadow)
    if primary_parts and shadow_parts:
        if primary_parts[1] != shadow_parts[1]:
            return False
        primary, shadow = primary_parts[2], shadow_parts[2]
    primary_kind, primary_case, primary_score = _measure(primary, shortest)
    shadow_kind, shadow_case, shadow_score = _measure(shadow, shortest)
    return (
        primary_kind == shadow_kind
        and (primary_case == shadow_case or not primary_case or not shadow_case)
        and (max(primary_score, shadow_score) >= _RANDOM_SCORE or shortest < SHORTEST_CHARS)
        and min(primary_score, shadow_score) >= _DOUBTFUL_SCORE
    )


def are_signatures_alike(primary: str, shadow: str) -> bool:
    """True if two words of one length stand where a signature does: at least one looks random, and none is constant."""
    _, _, primary_score = _measure(primary, SHORTEST_CHARS)
    _, _, shadow_score = _measure(shadow, SHORTEST_CHARS)
    return (
        len(primary) == len(shadow)
        and max(primary_score, shadow_score) >= _RANDOM_SCORE
        and min(primary_score, shadow_score) > float("-inf")
    )


@lru_cache(maxsize=1_024)  # the same names come again and again
def is_language(word: str) -> bool:
    """True if a word is too short, too constant or too much like a name to be made up, with a prefix and without."""
    prefixed = _PREFIXED.fullmatch(word)
    tails = (word,) if prefixed is None else (word, prefixed[2])
    return all(_measure(tail, SHORTEST_CHARS)[2] < _DOUBTFUL_SCORE for tail in tails)


def is_constant(word: str) -> bool:
    """True for a word that is not random: one character, a sequence, a short pattern over and over.

    Its characters advance by few different steps. Random words of 8 to 64 characters have more, but for 1 in 100,000.
    """
    codes = [ord(char) for char in word[:_LONGEST_SCORED_CHARS] if char.isalnum()]
    steps = {second - first for first, second in pairwise(codes)}
    return len(steps) < min(_CONSTANT_STEPS, max(3, int(_CONSTANT_SHARE * len(codes))))


def is_map(*objects: Mapping[str, object]) -> bool:
    """True if the objects that stand at one place are maps, whose keys are data, and not records.

    A map has more than MAP_KEYS keys, or all its keys are ids, numbers or dates.
    """
    for members in objects:
        if len(members) > MAP_KEYS:
            return True
    has_keys = False
    for members in objects:
        for name in members:
            if _KEY.fullmatch(name) is None:
                return False
            has_keys = True
    return has_keys


def _measure(word: str, shortest: int) -> tuple[str, str, float]:
    """Return a word's alphabet and length, its case, and how random it looks; -inf if it cannot be made up."""
    length = len(word)
    if length < shortest:
        return _NO_IDENTIFIER
    has_lower, has_upper = word != word.upper(), word != word.lower()
    case = "mixed" if has_lower and has_upper else "lower" if has_lower else "upper" if has_upper else ""
    if length == 36 and _UUID.fullmatch(word):
        return _NO_IDENTIFIER if is_constant(word) else ("uuid", case, _CERTAIN_SCORE)
    if _HEX.fullmatch(word):
        # An IBAN is a few letters before digits, a number has none: in made-up hex they alternate.
        score = _CERTAIN_SCORE if len(_RUNS.findall(word)) > 2 else _DOUBTFUL_SCORE
        return _NO_IDENTIFIER if is_constant(word) else (f"hex {length}", case, score)
    if _TOKEN.fullmatch(word) is None or (length < _SHORTEST_TOKEN_CHARS and shortest == SHORTEST_CHARS):
        return _NO_IDENTIFIER
    scored = word[:_LONGEST_SCORED_CHARS]
    score = sum([_SCORES[scored[at : at + 2]] for at in range(len(scored) - 1)])
    if case != "mixed" and _DIGIT.search(word) is None:  # letters of one case: a word, unless it stands beside a token
        score = min(score, _DOUBTFUL_SCORE)
    if score >= _DOUBTFUL_SCORE and is_constant(word):
        return _NO_IDENTIFIER
    return f"token {length}", case, score
