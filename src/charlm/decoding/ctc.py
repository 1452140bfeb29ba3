"""Transcription of what an acoustic or a handwriting model hears, with a language model of characters.

Connectionist temporal classification (Graves et al., 2006) gives each frame a distribution over labels and a blank. A
text is as likely as all ways to spread it over the frames together: repeated labels count once, and blanks not at all.
Prefix beam search (Hannun et al., 2014) adds up those ways for the beginnings that it keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.decoding.branches import Asked, Branches
from charlm.decoding.ctc_input import checked_alphabet, checked_batch, checked_log_probs
from charlm.decoding.ctc_labels import ids_of_labels
from charlm.decoding.frames import first_frames
from charlm.decoding.has_model import check_lm
from chartok.arguments import finite_number, number_from_zero, positive_integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.decoding.has_model import HasModel

    Floats = NDArray[np.float64]
    Ids = NDArray[np.int64]

IMPOSSIBLE = -1e9
"""The log-probability that counts for a symbol to which the language model gives none: something was heard."""
WEIGHT = 0.5
"""What the language model counts for by default."""


@dataclass(frozen=True, kw_only=True)
class CTCHypothesis:
    """A transcription.

    Attributes:
        text: What was heard.
        score: What hypotheses are ranked by: the acoustic score, plus the weight times the score of the language model,
            plus the bonus for each label.
        acoustic_score: ln P(text | frames), summed over the alignments that the beam has kept, in nats.
        language_score: ln P(text) under the language model, with the end of a record, in nats; 0 without one. Texts
            that are impossible under it, at minus infinity, come last.
        frames: The frame in which each label begins, in the likeliest alignment.
    """

    text: str
    score: float
    acoustic_score: float
    language_score: float
    frames: tuple[int, ...]


def ctc_decode(
    log_probs: Any,  # noqa: ANN401 - an array or a tensor
    alphabet: str | Sequence[str],
    *,
    lm: HasModel | None = None,
    beam_width: int = 64,
    weight: float = WEIGHT,
    bonus: float = 0.0,
    blank: int | None = None,
    n_best: int = 1,
) -> list[CTCHypothesis]:
    """Returns the likeliest transcriptions of the frames of one recording, the likeliest first.

    Args:
        log_probs: The natural logarithms of the probabilities of the labels in each frame, ``(T, C)``: what
            ``log_softmax`` of a network's output gives. A NumPy array or a PyTorch tensor.
        alphabet: The label of each column, in the layout of pyctcdecode and torchaudio: the blank is the empty string,
            or whatever is in the column ``blank``. A ``str`` gives its characters.
        lm: A language model of the labels; without one, the acoustic model decides alone. Labels that are no letters,
            no digits and not ``|`` need not be known to it, if it has ``unk``.
        beam_width: How many beginnings are kept in each frame.
        weight: What the logarithms of the language model count for beside those of the acoustic model.
        bonus: What is added for each label, in nats: a language model makes texts short.
        blank: The column of the blank; None for that of the empty label.
        n_best: How many transcriptions, at most ``beam_width``. Each is aligned with the frames, which takes some 0.1
            seconds for 1,000 frames.

    Raises:
        ValueError: ``log_probs`` has NaN, is not normalized or not ``(T, C)``; the alphabet has no blank, repeats a
            label or has another number of them; the language model does not know a label, or could score a text in two
            ways; or a setting is out of range.
        TypeError: An argument has the wrong type.

    Example:
        >>> likely = np.log([[0.6, 0.3, 0.1], [0.2, 0.1, 0.7], [0.3, 0.6, 0.1]])
        >>> [(best.text, best.frames) for best in ctc_decode(likely, ["a", "b", ""])]
        [('ab', (0, 2))]
    """
    decoder = _Decoder(alphabet, lm, beam_width, weight, bonus, blank, n_best)
    return decoder.transcriptions(checked_log_probs("log_probs", log_probs, len(alphabet)))


def ctc_decode_batch(  # noqa: PLR0913 - as above
    log_probs: Any,  # noqa: ANN401 - as above
    alphabet: str | Sequence[str],
    *,
    lengths: Sequence[int] | None = None,
    lm: HasModel | None = None,
    beam_width: int = 64,
    weight: float = WEIGHT,
    bonus: float = 0.0,
    blank: int | None = None,
    n_best: int = 1,
) -> list[list[CTCHypothesis]]:
    """Returns the likeliest transcriptions of each of several recordings; see ``ctc_decode``.

    Args:
        log_probs: ``(B, T, C)``, or a list of ``(T, C)``.
        alphabet: As for ``ctc_decode``.
        lengths: The number of frames of each recording that count; None counts all.
        lm: As for ``ctc_decode``.
        beam_width: Likewise.
        weight: Likewise.
        bonus: Likewise.
        blank: Likewise.
        n_best: Likewise.

    Raises:
        ValueError: As for ``ctc_decode``, of which it names the recording; or there is not one length for each.
        TypeError: As for ``ctc_decode``.

    Example:
        >>> likely = np.log(np.tile([0.6, 0.3, 0.1], (2, 4, 1)))
        >>> [best[0].text for best in ctc_decode_batch(likely, ["a", "b", ""], lengths=[0, 1])]
        ['', 'a']
    """
    decoder = _Decoder(alphabet, lm, beam_width, weight, bonus, blank, n_best)
    return [decoder.transcriptions(frames) for frames in checked_batch(log_probs, lengths, len(alphabet))]


class _Beam:
    """The beginnings that are kept, the best first.

    Attributes:
        nodes: Each beginning, as a number of its own, int64 ``(K,)``.
        with_blank: ln P of the ways to it that end in a blank, float64 ``(K,)``.
        without: ln P of the others, float64 ``(K,)``.
        languages: ln P under the language model, float64 ``(K,)``.
    """

    def __init__(self, nodes: Ids, with_blank: Floats, without: Floats, languages: Floats) -> None:
        self.nodes, self.with_blank, self.without, self.languages = nodes, with_blank, without, languages

    @property
    def totals(self) -> Floats:
        """Ln P of all ways to each beginning, float64 ``(K,)``."""
        return np.logaddexp(self.with_blank, self.without)


class _Prefixes:
    """Beginnings, each with a number: the empty one has 0."""

    def __init__(self) -> None:
        self.parents, self.labels, self.lengths = [-1], [-1], [0]
        self._numbers = dict[tuple[int, int], int]()

    def longer(self, parent: int, label: int) -> int:
        """Returns the number of a beginning with one more label."""
        number = self._numbers.setdefault((parent, label), len(self.labels))
        if number == len(self.labels):
            self.parents.append(parent)
            self.labels.append(label)
            self.lengths.append(self.lengths[parent] + 1)
        return number

    def path(self, number: int) -> list[int]:
        """Returns the labels of a beginning."""
        labels = list[int]()
        while number:
            labels.append(self.labels[number])
            number = self.parents[number]
        return labels[::-1]


class _Decoder:
    """Prefix beam search with one alphabet and one language model; see ``ctc_decode``."""

    def __init__(
        self,
        alphabet: str | Sequence[str],
        lm: HasModel | None,
        beam_width: int,
        weight: float,
        bonus: float,
        blank: int | None,
        n_best: int,
    ) -> None:
        self._labels, self._blank = checked_alphabet(alphabet, blank)
        self._beam_width = positive_integer("beam_width", beam_width)
        self._weight, self._bonus = number_from_zero("weight", weight), finite_number("bonus", bonus)
        self._n_best = positive_integer("n_best", n_best)
        if self._n_best > self._beam_width:
            raise ValueError(f"n_best must be at most beam_width {beam_width}, got {n_best}")
        self._asked: Asked | None = None
        self._ids = np.full(len(self._labels), -1, dtype=np.int64)
        if lm is not None:
            check_lm("lm", lm)
            self._asked = Asked(lm.vocabulary, lm.predictor)
            self._ids = ids_of_labels(lm.vocabulary, self._labels, self._blank)

    def transcriptions(self, log_probs: Floats) -> list[CTCHypothesis]:
        """Returns the likeliest transcriptions of frames, float64 ``(T, C)``."""
        prefixes = _Prefixes()
        beam = _Beam(np.zeros(1, np.int64), np.zeros(1), np.full(1, -np.inf), np.zeros(1))
        branches = None if self._asked is None else Branches.at_start(self._asked, 1)
        for frame in log_probs:
            beam, branches = self._after(frame, beam, branches, prefixes)
        return self._finished(log_probs, beam, branches, prefixes)

    def _after(
        self, frame: Floats, beam: _Beam, branches: Branches | None, prefixes: _Prefixes
    ) -> tuple[_Beam, Branches | None]:
        """Returns the beam after one more frame."""
        nodes = beam.nodes.tolist()
        last = np.array([prefixes.labels[node] for node in nodes])
        lengths = np.array([prefixes.lengths[node] for node in nodes])
        with_blank, without, longer = self._ways(frame, beam, last, prefixes)
        languages = np.zeros(longer.shape)
        if branches is not None:
            of_labels = np.where(self._ids < 0, 0, branches.log_probabilities[:, self._ids])
            languages = beam.languages[:, None] + np.maximum(of_labels, IMPOSSIBLE)
        kept = self._best(
            self._score(np.logaddexp(with_blank, without), beam.languages, lengths),
            self._score(longer, languages, lengths[:, None] + 1),
        )
        stays = kept < len(nodes)
        owners, labels = np.divmod(np.maximum(kept - len(nodes), 0), len(frame))
        owners = np.where(stays, kept, owners)
        numbers = beam.nodes[owners]
        for place in np.flatnonzero(~stays).tolist():
            numbers[place] = prefixes.longer(int(numbers[place]), int(labels[place]))
        after = _Beam(
            numbers,
            np.where(stays, with_blank[owners], -np.inf),
            np.where(stays, without[owners], longer[owners, labels]),
            np.where(stays, beam.languages[owners], languages[owners, labels]),
        )
        return after, None if branches is None else branches.followed(owners, np.where(stays, -1, self._ids[labels]))

    def _ways(self, frame: Floats, beam: _Beam, last: Ids, prefixes: _Prefixes) -> tuple[Floats, Floats, Floats]:
        """Returns ln P of the ways to the same beginnings, with a blank and without, and to each with a label more.

        Args:
            frame: ln P of the labels, float64 ``(C,)``.
            beam: The beginnings before it.
            last: The last label of each, -1 for none, int64 ``(K,)``.
            prefixes: All beginnings.
        """
        totals, repeated = beam.totals, np.flatnonzero(last >= 0)
        with_blank = totals + frame[self._blank]
        without = np.where(last < 0, -np.inf, beam.without + frame[last])
        longer = totals[:, None] + frame
        longer[repeated, last[repeated]] = beam.with_blank[repeated] + frame[last[repeated]]
        longer[:, self._blank] = -np.inf
        row_of = {node: row for row, node in enumerate(beam.nodes.tolist())}
        for row, node in enumerate(beam.nodes.tolist()):
            above = row_of.get(prefixes.parents[node])
            if above is not None:  # the same text in two ways
                without[row] = np.logaddexp(without[row], longer[above, last[row]])
                longer[above, last[row]] = -np.inf
        return with_blank, without, longer

    def _best(self, same: Floats, longer: Floats) -> Ids:
        """Returns the places of the best scores in both, one array after the other, the best first."""
        ranked = np.concatenate([same, longer.ravel()])
        kept = np.flatnonzero(ranked > -np.inf)
        if len(kept) > self._beam_width:
            kept = kept[np.argpartition(-ranked[kept], self._beam_width - 1)[: self._beam_width]]
        return kept[np.argsort(-ranked[kept], kind="stable")]

    def _score(self, acoustic: Floats, language: Floats, lengths: Ids) -> Floats:
        found: Floats = acoustic + self._bonus * lengths
        return found + self._weight * language if self._weight else found

    def _finished(
        self, log_probs: Floats, beam: _Beam, branches: Branches | None, prefixes: _Prefixes
    ) -> list[CTCHypothesis]:
        languages = beam.languages
        if branches is not None and self._asked is not None and self._asked.framing.eos is not None:
            languages = languages + np.maximum(branches.log_probabilities[:, self._asked.framing.eos], IMPOSSIBLE)
        lengths = np.array([prefixes.lengths[node] for node in beam.nodes.tolist()])
        scores = self._score(beam.totals, languages, lengths)
        order = np.argsort(-scores, kind="stable")[: self._n_best]
        languages = np.where(languages > IMPOSSIBLE / 2, languages, -np.inf)
        scores = self._score(beam.totals, languages, lengths)
        found = list[CTCHypothesis]()
        for place in order.tolist():
            path = prefixes.path(int(beam.nodes[place]))
            found.append(
                CTCHypothesis(
                    text="".join(self._labels[label] for label in path),
                    score=float(scores[place]),
                    acoustic_score=float(beam.totals[place]),
                    language_score=float(languages[place]),
                    frames=first_frames(log_probs, path, self._blank),
                )
            )
        return found
