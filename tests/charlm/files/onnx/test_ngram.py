"""An n-gram model as a graph of standard operators, against the model."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import NGramLanguageModel
from charlm.files.onnx.ngram import HIGHEST_ORDER, NGramGraph

CLOSE = 1e-5


@st.composite
def models(draw: Any) -> NGramLanguageModel:
    """Models of any order, of one text or several, pruned or not, with and without ids that are only contexts."""
    size, order = draw(st.integers(2, 7)), draw(st.integers(1, 7))
    ids = st.integers(0, size - 1)
    texts = draw(st.lists(st.lists(ids, min_size=1, max_size=40), min_size=1, max_size=4))
    model = NGramLanguageModel(size, order=order, context_only=draw(st.sets(ids, max_size=1)))
    model.fit(texts)
    return model.prune(draw(st.integers(1, 3))) if draw(st.booleans()) else model


@given(model=models(), data=st.data())
def test_the_graph_gives_the_probabilities_and_context_lengths_of_the_model(
    model: NGramLanguageModel, data: Any
) -> None:
    length = data.draw(st.integers(1, 12))
    row = st.lists(st.integers(0, model.vocab_size - 1), min_size=length, max_size=length)
    ids = torch.tensor(data.draw(st.lists(row, min_size=1, max_size=3)))
    graph = NGramGraph(model.table)
    logits, lengths = graph.predicted(ids)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, model.logits(ids).float(), rtol=0, atol=CLOSE)
    assert torch.equal(lengths, model.context_lengths(ids))
    last, last_length = graph.last(ids)
    assert torch.equal(last, logits[:, -1:])
    assert torch.equal(last_length, lengths[:, -1:])


@pytest.mark.parametrize("size", [256, 257, 300])
def test_ids_are_stored_in_the_bytes_that_they_need(size: int) -> None:
    rng = np.random.default_rng(0)
    model = NGramLanguageModel(size, order=3).fit(rng.integers(size, size=2000))
    graph = NGramGraph(model.table)
    assert graph.ids.dtype == (torch.uint8 if size <= 256 else torch.int32)
    ids = torch.from_numpy(rng.integers(size, size=(2, 30)))
    torch.testing.assert_close(graph(ids), model.logits(ids).float(), rtol=0, atol=CLOSE)


def test_the_highest_order_is_as_exact() -> None:
    text = [0, 1, 2, 0, 1] * 9 + [2, 2, 1, 0] * 9
    model = NGramLanguageModel(3, order=HIGHEST_ORDER).fit(text)
    ids = torch.tensor([text[:50], text[-50:]])
    torch.testing.assert_close(NGramGraph(model.table)(ids), model.logits(ids).float(), rtol=0, atol=CLOSE)
    with pytest.raises(ValueError, match=f"up to order {HIGHEST_ORDER}, .*, got {HIGHEST_ORDER + 1}: use save_arpa"):
        NGramGraph(NGramLanguageModel(3, order=HIGHEST_ORDER + 1).fit(text).table)
