// Mixtures: the weighted sum of the probabilities of models. The weights may depend on how long a context was found.

const MOST_MODELS = 32;
const LARGEST_ROUNDING = 1 / 256;

/** A mixture; its states are those of its models. */
class MixtureModel {
  constructor({ vocab_size: size, models }, arrays, prefix) {
    check(Array.isArray(models) && models.length > 0 && models.length <= MOST_MODELS
      && models.every((each) => isObject(each) && each.family !== "mixture" && each.vocab_size === size),
    "its models are not such as can be mixed");
    this.size = size;
    this.names = models.map((each) => each.family);
    this.models = models.map((each, place) => modelOf(each, arrays, `${prefix}models.${place}.`));
    const orders = this.models.map((model, place) => (this.names[place] === "ngram" ? model.order : 0));
    const highest = Math.max(...orders);
    this.deciding = highest > 0 ? orders.indexOf(highest) : null;
    this.weights = arrayOf(arrays, `${prefix}weights`, ["F32"], [Math.max(highest, 1), models.length]);
    for (let row = 0; row < this.weights.length; row += models.length) checkWeights(this.#rowOf(row));
  }

  #rowOf(start) {
    return this.weights.subarray(start, start + this.models.length);
  }

  /** Returns the state after one more id; null is that before the first. */
  step(states, id) {
    return this.models.map((model, place) => model.step(states === null ? null : states[place], id));
  }

  #contextLength(states) {
    if (this.deciding === null) return null;
    return this.models[this.deciding].tree.lengthOf(states[this.deciding]);
  }

  /** Returns the weight of each model in a state. */
  #shares(states) {
    const weights = this.#rowOf((this.#contextLength(states) ?? 0) * this.models.length);
    const sum = weights.reduce((one, other) => one + other, 0);
    return Array.from(weights, (weight) => weight / sum);
  }

  /** Returns the natural logs of what comes after a state, Float64Array(V). */
  logProbabilitiesAfter(states) {
    const row = new Float64Array(this.size);
    const shares = this.#shares(states);
    this.models.forEach((model, place) => {
      const of = model.logProbabilitiesAfter(states[place]);
      for (let id = 0; id < row.length; id++) row[id] += shares[place] * Math.exp(of[id]);
    });
    return row.map((each) => Math.min(Math.log(each), 0));
  }

  /** Returns what can be shown of a state besides: the attention is that of the first Transformer. */
  shown(states) {
    const shares = this.#shares(states);
    const parts = this.models.map((model, place) => model.shown(states[place]));
    const { attention, windowStart } = parts.find((each) => each.attention) ?? {};
    const found = this.#contextLength(states) ?? parts.find((each) => each.contextLength !== undefined)?.contextLength;
    return {
      contextLength: found,
      attention,
      windowStart,
      shares: this.models.map((model, place) => ({
        name: this.names[place], share: shares[place], logProbabilities: model.logProbabilitiesAfter(states[place]),
      })),
    };
  }
}

function checkWeights(weights) {
  const sum = weights.reduce((one, other) => one + other, 0);
  check(weights.every((weight) => weight >= 0) && Math.abs(sum - 1) <= LARGEST_ROUNDING,
    "its weights are no shares of 1");
}
