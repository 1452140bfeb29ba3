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


@given(data=st.data())
def test_a_tree_can_forget_what_is_on_the_way_to_no_node_that_is_kept(data: st.DataObject) -> None:
    tree = PrefixTree()
    for node in range(data.draw(st.integers(1, 60))):
        tree.add(np.array([data.draw(st.integers(-1, node - 1))]), np.array([node % 7]))
    nodes = np.array(data.draw(st.lists(st.integers(-1, tree.size - 1), max_size=5)), dtype=np.int64)
    smaller, same = tree.compacted(nodes)
    for before, now in zip(nodes.tolist(), same.tolist(), strict=True):
        assert (before < 0) == (now < 0)
        if before >= 0:
            depth = int(tree.depths(np.array([before]))[0])
            assert smaller.depths(np.array([now])).tolist() == [depth]
            assert smaller.paths(np.array([now]), depth).tolist() == tree.paths(np.array([before]), depth).tolist()
    assert smaller.size <= tree.size
    assert smaller.add(np.array([-1]), np.array([3])).tolist() == [smaller.size - 1]
