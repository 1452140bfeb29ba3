from charlm.decoding.confusions import keyboard_neighbours, looking_alike


def test_neighbours_and_shapes_are_mutual() -> None:
    for pairs in (keyboard_neighbours(), looking_alike()):
        assert all(symbol in pairs[other] for symbol, others in pairs.items() for other in others)
        assert all(symbol not in others and others for symbol, others in pairs.items())
    assert keyboard_neighbours()["q"] == ["1", "2", "a", "w"]
    assert keyboard_neighbours()["Q"] == ["!", "@", "A", "W"]
