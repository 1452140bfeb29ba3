import numpy as np

from charlm.decoding.frames import first_frames


def test_a_label_begins_where_the_likeliest_alignment_has_it() -> None:
    log_probs = np.log([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    assert first_frames(log_probs, [0, 0, 1], blank=2) == (0, 3, 4)
    assert first_frames(log_probs, [], blank=2) == ()
