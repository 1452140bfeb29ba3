"""A count model is fitted, kept, asked and drawn from without PyTorch: it is not loaded, and need not be there."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import math, os, sys

import numpy as np

from charlm import Channel, CharLM, ErrorSpotter, TextClassifier, classify, ctc_decode
from charlm.cli.app import main
from charlm.generation.settings import SamplingSettings

folder = sys.argv[1]
names, text = ["emma", "olivia", "ava", "mia"] * 3, "the cat sat on the mat. " * 9
models = {
    "text": CharLM.fit(text, order=4),
    "names": CharLM.fit(names, "ngram", order=3),
    "bigram": CharLM.fit(text, "bigram", smoothing=0.5),
    "bigram of names": CharLM.fit(iter(names), "bigram"),
}
for name, lm in models.items():
    path = os.path.join(folder, name)
    lm.save(path)
    copy = CharLM.load(path, device="cpu")
    assert copy.family == lm.family and copy.settings == lm.settings and copy.facts() == lm.facts()
    for own in (lm, copy):
        assert all(math.isfinite(score) for score in own.score_samples(["a cat", "", "x\\u4e00"]))
        assert len(own.log_probabilities("at")) == 2 + own.is_of_records
        assert own.evaluate("a mat").bits_per_character > 0
        assert own.bits_per_character("a") > 0 and own.perplexity("a") > 1
        assert own.inspect("ma", k=2)._repr_html_() and own._repr_html_() and repr(own)
        assert abs(sum(share for _, share in own.next_symbols("a", k=99)) - 1) < 1e-9
        settings = SamplingSettings(top_k=5, top_p=0.9, min_p=0.01, temperature=0.8)
        chosen = {"max_new_tokens": 9, "seed": 1, "settings": settings, "repetition_penalty": 1.1}
        assert "a" + "".join(own.stream("a", **chosen)) == own.generate("a", **chosen)
        assert len(own.generate("", n_samples=3, max_new_tokens=5, stop=["a"], allowed="aemt ")) == 3
        assert own.start("a ca").extend("t").text == "a cat"
        assert own.correct(["a cta", "emam"], channel=Channel.keyboard(0.1), beam_width=4)
        assert own.complete("a", 2, max_new_tokens=2, stop="t" if "t" in own.vocabulary else "m")
        assert ctc_decode([[-math.inf, 0.0]], ["", "a"], lm=own)[0].text == "a"
        assert len(ErrorSpotter(own, own).log_probabilities("ama")) == 3
        if own.is_of_records:
            assert own.most_likely(3) and own.guess_number("emma", samples=50) >= 1
            assert len(own.sample(3, prefix="a", exclude=["ava"], seed=1)) == 3
    own.calibrate(["a cat", "the mat", "emma", "mia"] * 10)
    assert own.is_unusual(["a cat", "qqqqqq"], 0.05).tolist() == [False, True]
    assert own.unusual_spans("the mat qqqqqq", 0.05)
    own.save(path)
    assert CharLM.load(path).p_values(["a mat"]) == own.p_values(["a mat"])
path, arpa = os.path.join(folder, "text"), os.path.join(folder, "text.arpa")
assert main(["export", path, "--format", "arpa", "--out", arpa]) == 0
assert main(["import", arpa, "--out", os.path.join(folder, "imported.safetensors")]) == 0
imported = CharLM.load(os.path.join(folder, "imported.safetensors"))
assert np.allclose(imported.score_samples(["the mat"]), models["text"].score_samples(["the mat"]), atol=1e-5)
assert classify({"text": models["text"], "names": models["names"]}, ["the mat", "emma"]) == ["text", "names"]
classifier = TextClassifier.fit({"text": text, "names": [*map("".join, zip(names, "abcdefghijkl"))]})
classifier = classifier.calibrate(["the mat", "emma"], ["text", "names"])
classifier.save(os.path.join(folder, "classifier"))
assert TextClassifier.load(os.path.join(folder, "classifier")).classify(["the mat", "emma"]) == ["text", "names"]
assert classifier.segment("the cat")[0].label == "text"
"""
WITHOUT = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch" or name.startswith("torch."):
            raise ImportError(f"there is no {name} here")

sys.meta_path.insert(0, NoTorch())
"""


@pytest.mark.parametrize(
    "before", [pytest.param("", id="torch is there"), pytest.param(WITHOUT, id="torch cannot be imported")]
)
def test_a_count_model_does_all_that_it_can_without_pytorch(tmp_path: Path, before: str) -> None:
    after = "\nassert not [name for name in sys.modules if name.partition('.')[0] == 'torch']"
    done = subprocess.run(
        [sys.executable, "-c", before + PROGRAM + after, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_needs_pytorch_says_so_where_there_is_none() -> None:
    program = WITHOUT + "from charlm import CharLM\nCharLM.fit('abcabc' * 9, order=2).model"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ImportError: there is no torch here" in done.stderr
