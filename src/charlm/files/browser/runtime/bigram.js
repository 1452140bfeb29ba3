// Bigram models: a row of logits for each id.

/** A bigram model; its states are ids. */
class BigramModel {
  constructor({ vocab_size: size, context_only: never }, arrays, prefix) {
    this.size = size;
    this.never = never;
    this.table = arrayOf(arrays, `${prefix}table`, ["F32", "F64"], [size, size]);
    for (const logit of this.table) check(logit < Infinity, "a logit is not a number");
  }

  /** Returns the state after one more id. */
  step(_, id) {
    return id;
  }

  /** Returns the natural logs of what comes after an id, Float64Array(V). */
  logProbabilitiesAfter(id) {
    const row = Float64Array.from(this.table.subarray(id * this.size, (id + 1) * this.size));
    for (const each of this.never) row[each] = -Infinity;
    return normalized(row);
  }

  /** Returns what can be shown of a state besides. */
  shown() {
    return {};
  }
}
