import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charlm.decoding.prefix_tree import PrefixTree


@given(data=st.data())
def test_a_node_stands_for_the_ids_on_the_way_to_it(data: st.DataObject) -> None:
    tree, texts = PrefixTree(), list[list[int]]()
    for _ in range(data.draw(st.integers(1, 8))):
        parents = data.draw(st.lists(st.integers(-1, len(texts) - 1), min_size=1, max_size=300))
        ids = data.draw(st.lists(st.integers(0, 9), min_size=len(parents), max_size=len(parents)))
        nodes = tree.add(np.array(parents), np.array(ids))
        assert nodes.tolist() == list(range(len(texts), len(texts) + len(parents)))
        texts += [
            [*(texts[parent] if parent >= 0 else []), token_id] for parent, token_id in zip(parents, ids, strict=True)
        ]
    every = np.arange(tree.size)
    assert tree.depths(every).tolist() == list(map(len, texts))
    for node, text in enumerate(texts):
        length = data.draw(st.integers(0, len(text)))
        assert tree.paths(np.array([node]), length).tolist() == [text[len(text) - length :]]
