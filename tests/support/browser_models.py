"""Models for the browser, of every family, and what the runtime is to compute of each: with its numbers rounded."""

import copy
import dataclasses
import random
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

from charlm import (
    GPT,
    BigramLanguageModel,
    BigramTable,
    ClassicGPT,
    ClassicGPTConfig,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    NGramTable,
)
from charlm.data.framing import Framing
from charlm.files.browser.packing import FULL_PRECISION, TWO_BYTES
from charlm.files.browser.quantizing import quantized_rows
from charlm.models.prior.prior import CountPrior
from charlm.models.transformer import TransformerLanguageModel
from chartok import Vocabulary
from lively_classic_gpt import lively_classic
from lively_gpt import lively

AnyModel: TypeAlias = LanguageModel | BigramTable | NGramTable

HOSTILE = "</script><!--&'\"\\\n\u202e\u2028\ud800\U0001f600"
TEXT = Vocabulary(sorted(set("the cat sat on the mat. " + HOSTILE)), special_tokens=["bos", "unk"])
NAMES = Vocabulary("aehimnoz\u00eb", special_tokens=["pad", "bos", "eos", "unk"])
BARE = Vocabulary("ab c")
SMILES = Vocabulary(["C", "O", "Cl", "l", "ClO", "N"], special_tokens={"</script>": 0, "bos": 3, "eos": 7})
CORPUS = "the cat sat on the mat. " * 9 + HOSTILE + "the hen that ate the oats. " * 5 + HOSTILE[::-1]
RECORDS = ["anna", "hanna", "mia", "emma", "zo\u00eb", "noah", "anna", "he"]


class Case(NamedTuple):
    """A model, its vocabulary, and what it is after rounding."""

    model: AnyModel
    vocabulary: Vocabulary
    rounded: AnyModel


def counted(vocabulary: Vocabulary, texts: list[str], **settings: Any) -> NGramTable:
    return NGramTable.fit(
        [Framing(vocabulary).to_count(text)[0] for text in texts],
        vocab_size=vocabulary.size,
        context_only=Framing(vocabulary).context_only,
        **settings,
    ).to_ship()


def rounded_table(table: NGramTable) -> NGramTable:
    compact = NGramTable.from_arrays(table.settings(), table.arrays(compact=True))
    return dataclasses.replace(compact, packed_counts=table.packed_counts)


def rounded(model: AnyModel) -> AnyModel:
    """Returns a model in which every number is as the browser has it."""
    if isinstance(model, BigramTable | BigramLanguageModel):
        return model
    if isinstance(model, NGramTable | NGramLanguageModel):
        table = rounded_table(model if isinstance(model, NGramTable) else model.table)
        return table if isinstance(model, NGramTable) else NGramLanguageModel.of(table)
    if isinstance(model, MixtureLanguageModel):
        mixture = MixtureLanguageModel([rounded(part) for part in model.models])  # type: ignore[arg-type,misc]
        mixture.weights.copy_(model.weights)
        return mixture.eval()
    assert isinstance(model, TransformerLanguageModel)
    model = copy.deepcopy(model).float()  # the browser knows no half precision
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.ndim == 2 and name not in FULL_PRECISION:
                in_two = name in TWO_BYTES and not isinstance(model, ClassicGPT)
                codes, scales = quantized_rows(weights.numpy(), np.int16 if in_two else np.int8)
                weights.copy_(torch.from_numpy(codes * scales[:, None]))
    if isinstance(model, GPT) and model.prior is not None:
        model.prior = CountPrior(rounded_table(model.prior.table))
    return model


def gpt_shape(vocabulary: Vocabulary, **settings: Any) -> GPTConfig:
    shape: dict[str, Any] = {"n_layers": 2, "n_heads": 2, "width": 12, "block_size": 10, "hash_rows": 0} | settings
    return GPTConfig(vocab_size=vocabulary.size, context_only=Framing(vocabulary).context_only, **shape)


def classic_shape(vocabulary: Vocabulary, **settings: Any) -> ClassicGPTConfig:
    shape: dict[str, Any] = {"n_layers": 2, "n_heads": 3, "width": 9, "block_size": 8} | settings
    return ClassicGPTConfig(vocab_size=vocabulary.size, context_only=Framing(vocabulary).context_only, **shape)


def mixture(vocabulary: Vocabulary, texts: list[str]) -> MixtureLanguageModel:
    """One of all families, whose weights depend on the length of the context."""
    never = Framing(vocabulary).context_only
    model = MixtureLanguageModel(
        [
            BigramLanguageModel(vocabulary.size, seed=2, context_only=never),
            NGramLanguageModel.of(counted(vocabulary, texts, order=3)),
            lively(gpt_shape(vocabulary), prior=counted(vocabulary, texts, order=5)),
            lively_classic(classic_shape(vocabulary)),
        ]
    )
    weights = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.0, 0.7, 0.2, 0.1], [0.2, 0.4, 0.4, 0.0]])
    model.weights.copy_(weights)
    return model.eval()


def without_ngrams(vocabulary: Vocabulary) -> MixtureLanguageModel:
    never = Framing(vocabulary).context_only
    parts = [BigramLanguageModel(vocabulary.size, seed=seed, context_only=never) for seed in (1, 2)]
    return MixtureLanguageModel(parts).eval()


def moderate(model: GPT) -> GPT:
    """Returns a lively model with weights of the size that training leaves, a standard deviation of a quarter."""
    with torch.no_grad():
        for weights in model.parameters():
            weights.div_(2)
    return model


@cache
def models() -> dict[str, tuple[AnyModel, Vocabulary]]:
    """Returns models of every family and shape by name."""
    bare_ids = np.tile([0, 1, 2, 0, 3, 1], 20)
    never = Framing(NAMES).context_only
    text, prior = [CORPUS], counted(TEXT, [CORPUS], order=6)
    hashed_as = tuple(range(3, 3 + BARE.size))
    return {
        "bigram, counted": (BigramTable.fit(bare_ids, vocab_size=BARE.size, smoothing=0), BARE),
        "bigram, trained": (BigramLanguageModel(NAMES.size, seed=1, context_only=never), NAMES),
        "ngram, tuned": (counted(TEXT, text, order=5, smoothing="learned"), TEXT),
        "ngram, Kneser-Ney": (counted(TEXT, text, order=4, smoothing="kneser-ney"), TEXT),
        "ngram of records": (counted(NAMES, RECORDS, order=4), NAMES),
        "ngram of one character": (counted(TEXT, text, order=1), TEXT),
        "ngram, pruned": (counted(TEXT, text, order=6).prune(entropy=1e-3), TEXT),
        "ngram of symbols of several characters": (counted(SMILES, ["CClOCCl", "ClOlNC"], order=3), SMILES),
        "ngram in PyTorch, without bos": (NGramLanguageModel(BARE.size, order=3).fit(bare_ids), BARE),
        "gpt, hashed": (lively(gpt_shape(BARE, hash_rows=5, hashed_as=hashed_as)), BARE),
        "gpt of an odd block": (lively(gpt_shape(NAMES, block_size=7, n_layers=1)), NAMES),
        "gpt of a block of one": (lively(gpt_shape(BARE, block_size=1, hash_rows=3)), BARE),
        "gpt with a prior": (lively(gpt_shape(TEXT), prior=prior), TEXT),
        "gpt with a long prior, of records": (
            lively(gpt_shape(NAMES, block_size=19), prior=counted(NAMES, RECORDS * 2, order=10)),
            NAMES,
        ),
        "gpt with a prior of bigrams": (lively(gpt_shape(TEXT), prior=counted(TEXT, text, order=2)), TEXT),
        "moderate gpt": (moderate(lively(gpt_shape(NAMES, hash_rows=50))), NAMES),
        "moderate gpt with a prior": (moderate(lively(gpt_shape(TEXT), prior=prior)), TEXT),
        "gpt in half precision": (lively(gpt_shape(NAMES)).half(), NAMES),
        "classic gpt": (lively_classic(classic_shape(TEXT)), TEXT),
        "classic gpt, untied": (
            lively_classic(classic_shape(NAMES, gelu="tanh", biases=False, is_tied=False, block_size=5)),
            NAMES,
        ),
        "mixture": (mixture(TEXT, text), TEXT),
        "mixture of records": (mixture(NAMES, RECORDS), NAMES),
        "mixture without n-grams": (without_ngrams(NAMES), NAMES),
    }


@cache
def case(name: str) -> Case:
    """Returns one of ``models`` and its rounded copy, neither of which may be changed."""
    model, vocabulary = models()[name]
    return Case(model, vocabulary, rounded(model))


def prefixes(vocabulary: Vocabulary) -> list[str]:
    """Returns texts of symbols, from none to several blocks, and such as have unknown characters, if they may."""
    draw = random.Random(0)  # noqa: S311 - no secret
    lengths = [0, 1, 2, 3, 5, 8, 9, 10, 11, 12, 17, 24, 33]
    found = ["".join(draw.choices(vocabulary.symbols, k=length)) for length in lengths]
    if vocabulary == TEXT:
        found += [CORPUS[start : start + 15] for start in range(0, 60, 7)]
    if "unk" in vocabulary.special_tokens:
        found += ["\u4e00", "a\u4e00\U0001f601n", "\udfffa"]
    return found
