r"""The ``tokenizer.json`` of Hugging Face's ``tokenizers``, for vocabularies of characters and longer symbols.

- A byte-pair model without merges splits text into its code points. Where there are longer symbols, a pre-tokenizer
  first splits it into symbols and single characters, by an ordered regular expression, and the model looks each up
  whole. No normalizer could change whitespace.
- The decoder joins tokens, after replacing each special token by nothing, and ``unk`` by U+FFFD. So ``decode`` gives
  what ``Vocabulary.decode`` gives, with or without ``skip_special_tokens``.
- Special tokens are entries of the model, not "added tokens": those would be matched in the text, where ``<pad>`` is
  five characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chartok.codepoints import NO_CHARACTER, check_distinct
from chartok.errors import VocabularyError, describe_character
from chartok.special_tokens import ROLES, ids_of_special_tokens, role_like
from chartok.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

ANY_CHARACTER = "(?m:.)"
"""In the syntax of the library's regular expressions, where ``m`` lets the dot match a line feed."""
_ALTERNATIVE = re.compile(r"(?:\\x\{[0-9a-f]{1,6}\})+")


def tokenizer_json(tokens: Tokens) -> dict[str, Any]:
    """Returns the content of a ``tokenizer.json`` that gives every text the same ids.

    Raises:
        VocabularyError: A symbol has a surrogate, which that library's strings cannot hold; or the name of a special
            token is also a symbol, or has one character.
    """
    character_ids = np.flatnonzero(tokens.code_points != NO_CHARACTER).tolist()
    vocabulary = dict(zip(tokens.characters(), character_ids, strict=True)) | tokens.long_symbols
    for symbol, token_id in vocabulary.items():
        if surrogate := next((character for character in symbol if "\ud800" <= character <= "\udfff"), None):
            raise VocabularyError(
                f"{describe_character(surrogate)} (id {token_id}) is a surrogate: tokenizer.json cannot hold it"
            )
    special = {_written(name): token_id for name, token_id in tokens.special_ids.items()}
    for name in special:
        if name in vocabulary or len(name) == 1:
            raise VocabularyError(f"the special token {name!a} would be read as a symbol: give it another name")
    unk = "<unk>" if "unk" in tokens.special_ids else None
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": _pre_tokenizer(tokens.long_symbols) if tokens.long_symbols else None,
        "post_processor": None,
        "decoder": _decoder(special, unk),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": unk,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": bool(tokens.long_symbols),
            "vocab": vocabulary | special,
            "merges": [],
        },
    }


def _written(name: str) -> str:
    return f"<{name}>" if name in ROLES else name


def _pre_tokenizer(long_symbols: Iterable[str]) -> dict[str, Any]:
    """Returns what isolates every longer symbol, the longest at each place, and every other character."""
    pattern = "|".join([*map(_exactly, sorted(long_symbols, key=len, reverse=True)), ANY_CHARACTER])
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def _decoder(special: Iterable[str], unk: str | None) -> dict[str, Any]:
    silent = [name for name in special if name != unk]
    steps: list[dict[str, Any]] = []
    if silent:
        steps.append(_replacement("|".join(map(_exactly, silent)), ""))
    if unk is not None:
        steps.append(_replacement(_exactly(unk), "\ufffd"))
    fuse = {"type": "Fuse"}
    return {"type": "Sequence", "decoders": [*steps, fuse]} if steps else fuse


def _replacement(alternatives: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": rf"\A(?:{alternatives})\z"}, "content": content}


def _exactly(text: str) -> str:
    return "".join(f"\\x{{{ord(character):x}}}" for character in text)


def read_tokenizer_json(content: object) -> Tokens:
    """Returns the tokens of a ``tokenizer.json`` by character, or by character and longer symbol.

    Raises:
        VocabularyError: It is not one, or text would not be split into those.
    """
    if not isinstance(content, Mapping) or not isinstance(content.get("model"), Mapping):
        raise VocabularyError("not a tokenizer.json: it has no model")
    model = content["model"]
    ids = model.get("vocab")
    if not isinstance(ids, Mapping) or not all(type(token_id) is int for token_id in ids.values()):
        raise VocabularyError("the model of a tokenizer.json by character has a vocab of tokens with ids")
    if content.get("normalizer") is not None:
        raise VocabularyError("the tokenizer has a normalizer, which changes texts: a vocabulary does not")
    if model.get("merges") or model.get("type") not in ("BPE", "WordLevel"):
        raise VocabularyError("the tokenizer does not split text into characters: its model merges them")
    added = _added_tokens(content.get("added_tokens"))
    long_symbols = _long_symbols(content.get("pre_tokenizer"), model)
    return _tokens(dict(ids) | added, long_symbols, set(added), model.get("unk_token"))


def _added_tokens(entries: object) -> dict[str, int]:
    added = dict[str, int]()
    for entry in entries if isinstance(entries, list) else []:
        if not (isinstance(entry, Mapping) and type(entry.get("id")) is int and isinstance(entry.get("content"), str)):
            raise VocabularyError(f"each added token has an id and a content, got {entry!a}")
        added[entry["content"]] = entry["id"]
    return added


def _long_symbols(pre_tokenizer: object, model: Mapping[str, Any]) -> set[str]:
    """Returns the longer symbols that a pre-tokenizer isolates.

    Raises:
        VocabularyError: It does anything else.
    """
    if pre_tokenizer is None and model["type"] == "BPE":
        return set()
    if isinstance(pre_tokenizer, Mapping) and pre_tokenizer.get("type") == "Split":
        pattern = pre_tokenizer.get("pattern")
        expression = next(iter(pattern.values()), None) if isinstance(pattern, Mapping) else None
        if isinstance(expression, str) and str(pre_tokenizer.get("behavior")).lower() == "isolated":
            *alternatives, last = expression.split("|")
            if last in ("", ANY_CHARACTER) and all(map(_ALTERNATIVE.fullmatch, alternatives)):
                return {
                    "".join(chr(int(digits, 16)) for digits in re.findall(r"[0-9a-f]+(?=\})", alternative))
                    for alternative in alternatives
                }
    raise VocabularyError("the tokenizer does not split text into characters: its pre_tokenizer does something else")


def _tokens(ids: dict[str, int], long_symbols: set[str], added: set[str], unk: object) -> Tokens:
    if sorted(ids.values()) != list(range(len(ids))):
        raise VocabularyError("the ids of a vocabulary are 0 and up, each once, without a gap")
    code_points = np.full(len(ids), NO_CHARACTER, dtype=np.uint32)
    symbols, special = dict[str, int](), dict[str, int]()
    for token, token_id in ids.items():
        if token in long_symbols and token not in added:
            symbols[token] = token_id
        elif len(token) == 1 and token not in added:
            code_points[token_id] = ord(token)
        else:
            name = "unk" if token == unk else role_like(token) or token
            if name in special:
                raise VocabularyError(f"{token!a} is a second token for the role {name}")
            special[name] = token_id
    if len(symbols) < len(long_symbols):
        raise VocabularyError(f"{min(long_symbols - set(symbols))!a} is isolated in text, but has no id")
    check_distinct(code_points)
    count = int((code_points != NO_CHARACTER).sum()) + len(symbols)
    return Tokens(
        code_points, dict(sorted(symbols.items(), key=lambda pair: pair[1])), ids_of_special_tokens(special, count)
    )
