// Counts as a start for a GPT: what an n-gram model says after the last k characters, for up to six k.
//
// The logits are 15 tanh(head(x) / 15) + sum of g_k ln P_k with g = gate(x). The input gets an embedding of ln P for
// the longest k, and one of how often each context has occurred.

const MOST_LENGTHS = 6;
const LARGE_COUNT = 255;
const LEAST_INPUT = -1;

/** The n-gram model of a GPT, and how the GPT reads it. */
class CountPrior {
  constructor(description, { size, width, never }, arrays, prefix) {
    check(isObject(description) && description.vocab_size === size
      && String(description.context_only) === String(never) && description.order > 1, "its prior is of another shape");
    this.ngram = new NGramModel(description, arrays, `${prefix}prior.`);
    this.size = size;
    this.never = never;
    this.lengths = lengthsOf(this.ngram.order);
    const count = this.lengths.length;
    const numbers = (name, shape) => checkFinite(arrayOf(arrays, `${prefix}${name}`, ["F32"], shape), name);
    this.fromPrior = new Matrix(arrays, `${prefix}from_prior.weight`, width, size);
    this.fromCounts = numbers("from_counts.weight", [width, 2 * count]);
    this.gate = numbers("gate.weight", [count, width]);
    this.gateBias = numbers("gate.bias", [count]);
    this.logShares = numbers("log_shares", [size]);
    this.logCounts = logCounts(arrays, `${prefix}prior.`, this.ngram.tree.contexts);
    this.longest = new Float64Array(size);
    this.known = new Float64Array(2 * count);
    this.rows = Array.from({ length: count }, () => new Float64Array(size));
    this.chain = new Uint32Array(this.ngram.order);
  }

  /** Fills in what the counts say after the contexts of each length that end in one, and what is known of these. */
  #look(context) {
    const { tree, logBackoffs, logUniform } = this.ngram;
    this.chain.fill(0);
    for (let node = context, length = tree.lengthOf(context); node > 0; node = tree.suffixes[node], length--) {
      this.chain[length] = node;
    }
    const row = this.longest.fill(logUniform);
    for (const id of this.never) row[id] = -Infinity;
    let place = 0;
    for (let length = 0; length < this.ngram.order; length++) {
      const node = this.chain[length];
      if (length === 0 || node > 0) this.ngram.descend(row, node);
      if (length !== this.lengths[place]) continue;
      this.known[2 * place] = node > 0 ? this.logCounts[node] : 0;
      this.known[2 * place + 1] = node > 0 ? logBackoffs[node] : 0;
      this.rows[place++].set(row);
    }
  }

  /** Adds the embeddings of what the counts say after a context. */
  embed(context, vector) {
    this.#look(context);
    for (let id = 0; id < this.size; id++) {
      this.longest[id] = Math.max((this.longest[id] - this.logShares[id]) / 4 + 1, LEAST_INPUT);
    }
    this.fromPrior.multiply(this.longest, vector, { adds: true });
    addProduct(this.fromCounts, this.known, vector);
  }

  /** Returns how much the counts after each length of context count at a position. */
  #gates(position) {
    const gates = Float64Array.from(this.gateBias);
    addProduct(this.gate, position, gates);
    return gates;
  }

  /** Adds what the counts say after a context to logits. */
  addTo(logits, context, position) {
    this.#look(context);
    const gates = this.#gates(position);
    this.rows.forEach((row, place) => {
      for (let id = 0; id < this.size; id++) logits[id] += gates[place] * row[id];
    });
  }

  /**
   * Returns what the layers and the counts say, and how much each counts: by how much the logits of each differ, in
   * standard deviations under what both say together.
   */
  shares(layers, context, position) {
    const counts = new Float64Array(this.size);
    this.addTo(counts, context, position);
    for (const id of this.never) counts[id] = -Infinity;
    const weights = normalized(layers.map((logit, id) => logit + counts[id])).map((each) => Math.exp(each));
    const [ofLayers, ofCounts] = [layers, counts].map((logits) => spread(logits, weights));
    const total = ofLayers + ofCounts || 1;
    return [
      { name: "counts", share: ofCounts / total, logProbabilities: normalized(counts) },
      { name: "layers", share: ofLayers / total, logProbabilities: normalized(layers) },
    ];
  }
}

/** Returns the lengths of the contexts that a prior looks at: all from 2 on, or six evenly spaced. */
function lengthsOf(order) {
  const shortest = Math.min(2, order - 1);
  const count = Math.min(MOST_LENGTHS, order - shortest);
  return Array.from({ length: count }, (_, place) =>
    count === 1 ? shortest : roundedToEven(shortest + (place * (order - 1 - shortest)) / (count - 1)));
}

function roundedToEven(number) {
  const floor = Math.floor(number);
  if (number - floor !== 0.5) return Math.round(number);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Returns ln of 1 plus the count of each context; 0 for the empty one, which is not asked for. */
function logCounts(arrays, prefix, contexts) {
  const small = arrayOf(arrays, `${prefix}counts`, ["U8"], [contexts - 1]);
  const large = checkFinite(arrayOf(arrays, `${prefix}large_counts`, ["F64"], [null]), "large_counts");
  const found = new Float32Array(contexts);
  let place = 0;
  for (let context = 1; context < contexts; context++) {
    const count = small[context - 1] === LARGE_COUNT ? large[place++] : small[context - 1];
    if (!(count > 0)) check(false, "a count is below 1");
    found[context] = Math.log1p(count);
  }
  check(place === large.length, "its counts do not fit its contexts");
  return found;
}

/** Returns the standard deviation of numbers with weights that add up to 1. */
function spread(numbers, weights) {
  let mean = 0;
  let squares = 0;
  for (let place = 0; place < numbers.length; place++) {
    if (weights[place] === 0) continue;
    mean += weights[place] * numbers[place];
    squares += weights[place] * numbers[place] ** 2;
  }
  return Math.sqrt(Math.max(squares - mean ** 2, 0));
}
