// N-gram models: a byte for each logarithm. What is rounded is normalized again, shorter contexts first:
//
//   P(w | h) = f(w | h) / Z(h),   gamma(h) = g(h) / Z(h),   Z(h) = sum of f(v | h) + g(h) (1 - sum of P(v | h'))
//
// with f and g the rounded values of an n-gram hw and its context h, and h' the context without its first id; the sums
// are over the stored ids v. What is not stored is backed off to: P(w | h) = gamma(h) P(w | h').

const LARGEST_LOGARITHM = 31;

/** An n-gram model; its states are contexts, nodes of its tree. */
class NGramModel {
  constructor(description, arrays, prefix) {
    this.size = description.vocab_size;
    this.never = description.context_only;
    this.tree = new NGramTree(description, arrays, prefix);
    this.order = this.tree.order;
    this.logUniform = -Math.log(this.size - this.never.length);
    this.logProbabilities = new Float32Array(this.tree.ids.length);
    this.logBackoffs = new Float32Array(this.tree.contexts);
    this.chain = new Uint32Array(this.order);
    this.#decode(
      arrayOf(arrays, `${prefix}probability_codes`, ["U8"], [this.tree.ids.length]),
      arrayOf(arrays, `${prefix}backoff_codes`, ["U8"], [this.tree.contexts]),
      checkedScales(arrayOf(arrays, `${prefix}scales`, ["F32"], [this.order, 2, 2])),
    );
  }

  /** Fills in the logarithms from their codes. */
  #decode(codes, backoffCodes, scales) {
    const { tree } = this;
    const isNever = new Uint8Array(this.size);
    for (const id of this.never) isNever[id] = 1;
    const probabilities = new Float64Array(tree.ids.length + 1);
    probabilities[0] = 1 / (this.size - this.never.length);
    for (let length = 0; length < this.order; length++) {
      const [start, step, backoffStart, backoffStep] = scales.subarray(4 * length);
      const first = length === 0 ? 0 : tree.levels[length - 1] + 1;
      for (let context = first; context <= tree.levels[length]; context++) {
        const [from, to] = [tree.childStarts[context], tree.childStarts[context + 1]];
        let seen = 0;
        let seenBelow = 0;
        for (let ngram = from; ngram < to; ngram++) {
          if (isNever[tree.ids[ngram]]) continue;
          probabilities[ngram + 1] = Math.exp(start + step * codes[ngram]);
          seen += probabilities[ngram + 1];
          seenBelow += probabilities[tree.suffixes[ngram + 1]];
        }
        const logBackoff = backoffStart + backoffStep * backoffCodes[context];
        const total = seen + Math.exp(logBackoff) * Math.max(1 - seenBelow, 0); // above 0: no scale goes so far
        const logTotal = Math.log(total);
        this.logBackoffs[context] = logBackoff - logTotal;
        for (let ngram = from; ngram < to; ngram++) {
          probabilities[ngram + 1] /= total;
          this.logProbabilities[ngram] = isNever[tree.ids[ngram]]
            ? -Infinity : Math.min(start + step * codes[ngram] - logTotal, 0);
        }
      }
    }
  }

  /** Returns the state after one more id; null is that before the first. */
  step(context, id) {
    return this.tree.following(context ?? 0, id);
  }

  /** Returns the natural logs of what comes after a context, Float64Array(V). */
  logProbabilitiesAfter(context) {
    const row = new Float64Array(this.size).fill(this.logUniform);
    for (const id of this.never) row[id] = -Infinity;
    let depth = 0;
    for (let longer = context; longer > 0; longer = this.tree.suffixes[longer]) this.chain[depth++] = longer;
    this.descend(row, 0);
    while (depth > 0) this.descend(row, this.chain[--depth]);
    return row;
  }

  /** Turns the row of the suffix of a context into that of the context, in place. */
  descend(row, context) {
    const { tree, logProbabilities } = this;
    const weight = this.logBackoffs[context];
    for (let id = 0; id < row.length; id++) row[id] = Math.min(row[id] + weight, 0);
    const stop = tree.childStarts[context + 1];
    for (let ngram = tree.childStarts[context]; ngram < stop; ngram++) row[tree.ids[ngram]] = logProbabilities[ngram];
  }

  /** Returns what can be shown of a state besides. */
  shown(context) {
    return { contextLength: this.tree.lengthOf(context) };
  }
}

function checkedScales(scales) {
  for (let place = 0; place < scales.length; place += 2) {
    const [start, step] = scales.subarray(place);
    check(step >= 0 && start >= -LARGEST_LOGARITHM && start + 255 * step <= LARGEST_LOGARITHM,
      "a scale of its logarithms is out of range");
  }
  return scales;
}
