import numpy as np

from charlm.data.framing import Framing
from charlm.decoding.drawn import drawn_texts
from chartok import Vocabulary
from decoders import counted


def test_the_draw_is_that_of_the_model_with_what_is_unknown() -> None:
    vocabulary = Vocabulary("ab", special_tokens=["bos", "eos", "unk"])
    lm = counted(vocabulary)
    records = drawn_texts(vocabulary, lm.predictor, 20_000, np.random.default_rng(0))
    firsts = np.bincount([int(record[1]) for record in records], minlength=vocabulary.size) / len(records)
    expected = np.exp(next(lm.predictor.distributions(np.array([vocabulary.special_tokens["bos"]]))))[0]
    np.testing.assert_allclose(firsts, expected, atol=0.02)
    assert all(record[-1] == Framing(vocabulary).eos for record in records)


def test_a_text_is_drawn_up_to_a_length() -> None:
    vocabulary = Vocabulary("abc")
    texts = drawn_texts(vocabulary, counted(vocabulary).predictor, 5, np.random.default_rng(0), most=7)
    assert [len(ids) for ids in texts] == [8] * 5  # after the symbol that the model starts from
