"""The beams of several texts that are corrected together, one symbol of each at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.decoding.branches import Branches
from charlm.decoding.prefix_tree import PrefixTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.decoding.branches import Asked
    from charlm.decoding.edit_table import EditTable

    Ids = NDArray[np.int64]
    Floats = NDArray[np.float64]

NOTHING = -1
"""No id, no code, and what is owed by most hypotheses."""
MARGIN = 10.0
"""How far below the best of its text a hypothesis may be at least, in nats."""
SPARE = 1.0
"""By how much that is more than the dearest edit costs, in nats: it is paid before what follows shows it right."""
IMPOSSIBLE = -1e5
"""The log-probability that counts for a symbol to which the model gives none: what was seen needs a cause."""
MOST_NODES = 1 << 20
"""How many nodes there may be before those that no hypothesis has on its way are dropped."""
MIXES = np.array([0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB], dtype=np.uint64)
"""What tells hypotheses apart besides the key of their branch: text, what they owe, what they have put back."""


class Hypotheses(NamedTuple):
    """What may have been written before a place in what was seen.

    Attributes:
        texts: The text of each, int64 ``(B,)``.
        scores: ln P(true so far) + ln P(seen so far | true so far), float64 ``(B,)``.
        nodes: What has been written, int64 ``(B,)``.
        owed: The id that comes next since two have changed places, or -1, int64 ``(B,)``.
        put_back: How many symbols in a row have been put back, int64 ``(B,)``.
    """

    texts: Ids
    scores: Floats
    nodes: Ids
    owed: Ids
    put_back: Ids

    def chosen(self, which: Ids) -> Hypotheses:
        """Returns some of them."""
        return Hypotheses(
            self.texts[which], self.scores[which], self.nodes[which], self.owed[which], self.put_back[which]
        )


class Candidates(NamedTuple):
    """Hypotheses that may come of others.

    Attributes:
        owners: From which each comes, int64 ``(C,)``.
        ids: The id that it adds for the model, -1 for none, int64 ``(C,)``.
        codes: What it writes, -1 for nothing, int64 ``(C,)``.
        scores: As in ``Hypotheses``.
        owed: Likewise.
        put_back: Likewise.
    """

    owners: Ids
    ids: Ids
    codes: Ids
    scores: Floats
    owed: Ids
    put_back: Ids

    @classmethod
    def of(cls, owners: Ids, ids: Ids, scores: Floats, **others: Ids) -> Candidates:
        """Returns candidates that write their ids, owe nothing and have put back nothing, unless said otherwise."""
        nothing = np.full(len(owners), NOTHING)
        given = {"codes": ids, "owed": nothing, "put_back": nothing + 1} | others
        return cls(owners, ids, scores=scores, **given)

    def chosen(self, which: Ids) -> Candidates:
        """Returns some of them."""
        return Candidates(
            self.owners[which],
            self.ids[which],
            self.codes[which],
            self.scores[which],
            self.owed[which],
            self.put_back[which],
        )

    @classmethod
    def joined(cls, parts: Sequence[Candidates]) -> Candidates:
        """Returns all of them."""
        return cls(
            np.concatenate([part.owners for part in parts]),
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.codes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.owed for part in parts]),
            np.concatenate([part.put_back for part in parts]),
        )


class BeamSearch:
    """The likeliest hypotheses for several texts, all after equally many symbols of what was seen.

    Args:
        asked: The model.
        edits: What may have happened.
        n_texts: How many texts.
        beam_width: How many hypotheses of each text are kept.
        context: The ids that come before each text.
    """

    def __init__(
        self, asked: Asked, edits: EditTable, n_texts: int, *, beam_width: int, context: Sequence[int] = ()
    ) -> None:
        self._asked, self._edits, self._beam_width = asked, edits, beam_width
        self._margin = max(MARGIN, edits.dearest + SPARE)
        self._tree = PrefixTree()
        self._branches = Branches.at_start(asked, n_texts)
        for token_id in context:
            self._branches = self._branches.followed(np.arange(n_texts), np.full(n_texts, token_id))
        self._has_start = asked.framing.is_of_records or len(context) > 0
        nothing = np.full(n_texts, NOTHING)
        self._now = Hypotheses(np.arange(n_texts), np.zeros(n_texts), nothing, nothing, nothing + 1)

    def see(self, rows: Ids, next_rows: Ids) -> None:
        """Explains one more symbol of each text.

        Args:
            rows: The row of the symbol in ``EditTable``, int64 ``(N,)``; hypotheses of texts that have ended are gone.
            next_rows: Those after it, or -1 at the end of a text.
        """
        now, edits = self._now, self._edits
        free = np.flatnonzero(now.owed == NOTHING)
        rows_of_free = rows[now.texts[free]]
        candidates = [self._caused(free, rows_of_free)]
        insertions = edits.row_insertions[rows_of_free]
        extra = insertions > -np.inf
        if extra.any():
            owners = free[extra]
            candidates.append(
                Candidates.of(owners, np.full(len(owners), NOTHING), now.scores[owners] + insertions[extra])
            )
        if edits.transposed > -np.inf:
            candidates += [self._transposed(free, rows_of_free, next_rows[now.texts[free]]), self._owed()]
        self._keep(Candidates.joined(candidates))

    def put_back(self) -> None:
        """Considers that a symbol was not seen, of hypotheses to which the last call or ``see`` has added something."""
        now, deletable = self._now, self._edits.deletable
        may_put_back = (now.owed == NOTHING) & (now.put_back == now.put_back.max(initial=0))
        if not self._has_start:  # whatever comes first is unlikely, and is no better known by another
            may_put_back &= now.nodes >= 0
        owners = np.flatnonzero(may_put_back)
        scores = self._branches.log_probabilities[np.ix_(owners, deletable)] + self._edits.deletions[deletable]
        scores += now.scores[owners, None]
        places, which = np.nonzero(scores > self._floors()[now.texts[owners], None])
        if not len(places):
            return
        ids, owners_of = deletable[which], owners[places]
        added = Candidates.of(owners_of, ids, scores[places, which], put_back=now.put_back[owners_of] + 1)
        nothing = np.full(len(now.texts), NOTHING)
        kept = Candidates(np.arange(len(now.texts)), nothing, nothing, now.scores, now.owed, now.put_back)
        self._keep(Candidates.joined([kept, added]))

    def finished(self, text: int) -> tuple[float, list[int]]:
        """Returns the score of the best hypothesis for a text, all of which was seen, and what it wrote; drops all.

        Args:
            text: The text.
        """
        now, eos = self._now, self._asked.framing.eos
        is_own = now.texts == text
        own = np.flatnonzero(is_own & (now.owed == NOTHING))
        scores = now.scores[own]
        if eos is not None:
            scores = scores + np.maximum(self._branches.log_probabilities[own, eos], IMPOSSIBLE)
        best = int(scores.argmax())
        node = now.nodes[own[best : best + 1]]
        codes: list[int] = self._tree.paths(node, int(self._tree.depths(node)[0]))[0].tolist() if node[0] >= 0 else []
        others = np.flatnonzero(~is_own)
        self._now = now.chosen(others)
        self._branches = self._branches.followed(others, np.full(len(others), NOTHING))
        return float(scores[best]), codes

    def _caused(self, free: Ids, rows: Ids) -> Candidates:
        """Returns the candidates in which a symbol is seen as what it is, or as another."""
        edits, first = self._edits, self._edits.starts[rows]
        counts = edits.starts[rows + 1] - first
        owners = np.repeat(free, counts)
        causes = np.arange(len(owners)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        ids = edits.cause_ids[causes]
        scores = self._now.scores[owners] + edits.cause_logs[causes] + self._predicted(owners, ids)
        return Candidates.of(owners, ids, scores, codes=edits.cause_codes[causes])

    def _transposed(self, free: Ids, rows: Ids, next_rows: Ids) -> Candidates:
        """Returns the candidates in which a symbol has changed places with the next, which comes first."""
        ids = self._edits.row_ids[rows]
        next_ids = np.where(next_rows < 0, NOTHING, self._edits.row_ids[next_rows])
        which = (ids >= 0) & (next_ids >= 0) & (ids != next_ids)
        owners, first = free[which], next_ids[which]
        scores = self._now.scores[owners] + self._edits.transposed + self._predicted(owners, first)
        return Candidates.of(owners, first, scores, owed=ids[which])

    def _owed(self) -> Candidates:
        """Returns the candidates that write what they owe."""
        owners = np.flatnonzero(self._now.owed != NOTHING)
        ids = self._now.owed[owners]
        return Candidates.of(owners, ids, self._now.scores[owners] + self._predicted(owners, ids))

    def _predicted(self, owners: Ids, ids: Ids) -> Floats:
        """Returns the log-probability of each id after its owner; 0 for no id."""
        found = np.maximum(self._branches.log_probabilities[owners, ids], IMPOSSIBLE)
        found[ids == NOTHING] = 0
        return found

    def _floors(self) -> Floats:
        """Returns for each text the score of its last hypothesis, if it has as many as are kept, float64 ``(N,)``."""
        texts = self._now.texts  # ascending, and the scores of each text descending
        floors = np.full(int(texts.max(initial=-1)) + 1, -np.inf)
        ends = np.flatnonzero(np.diff(texts, append=-1))
        counts = np.diff(ends, prepend=-1)
        floors[texts[ends]] = self._now.scores[ends - counts + 1] - self._margin
        full = ends[counts >= self._beam_width]
        floors[texts[full]] = np.maximum(floors[texts[full]], self._now.scores[full])
        return floors

    def _keep(self, candidates: Candidates) -> None:
        """Keeps the best candidates of each text, of those with the same future only the best."""
        texts = self._now.texts[candidates.owners]
        keys = self._branches.keys_after(candidates.owners, candidates.ids)
        apart = np.stack([texts, candidates.owed, candidates.put_back], axis=1).astype(np.uint64)
        keys += (apart * MIXES).sum(axis=1)
        best = np.full(int(texts.max(initial=-1)) + 1, -np.inf)
        np.maximum.at(best, texts, candidates.scores)
        order = np.flatnonzero(candidates.scores >= best[texts] - self._margin)
        order = order[np.lexsort((-candidates.scores[order], texts[order]))]
        order = order[np.sort(np.unique(keys[order], return_index=True)[1])]
        sorted_texts = texts[order]
        ranks = np.arange(len(order)) - np.searchsorted(sorted_texts, sorted_texts)
        order = order[ranks < self._beam_width]
        kept = candidates.chosen(order)
        nodes = self._now.nodes[kept.owners]
        writes = np.flatnonzero(kept.codes != NOTHING)
        nodes[writes] = self._tree.add(nodes[writes], kept.codes[writes])
        if self._tree.size > MOST_NODES:
            self._tree, nodes = self._tree.compacted(nodes)
        self._branches = self._branches.followed(kept.owners, kept.ids)
        self._now = Hypotheses(texts[order], kept.scores, nodes, kept.owed, kept.put_back)
