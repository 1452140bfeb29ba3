import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import NGramTable
from charlm.models.prior.prior import CountPrior

VOCAB_SIZE = 4
some_ids = st.lists(st.integers(0, VOCAB_SIZE - 1), min_size=1, max_size=12)


@given(st.lists(st.integers(0, VOCAB_SIZE - 2), min_size=20, max_size=60), st.integers(2, 6), some_ids)
def test_a_position_asked_alone_is_told_what_all_are_told_together(
    counted: list[int], order: int, ids: list[int]
) -> None:
    prior = CountPrior(NGramTable.fit(np.array(counted), vocab_size=VOCAB_SIZE, order=order))
    together = prior.features(torch.tensor([ids]))
    for place in range(len(ids)):
        alone = prior.features(torch.tensor([ids[: place + 1]]), place)
        for of_one, of_all in zip(alone, together, strict=True):
            torch.testing.assert_close(of_one[:, 0], of_all[:, place], rtol=0, atol=0)
