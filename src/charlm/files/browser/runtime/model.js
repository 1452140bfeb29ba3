// The model as a page sees it: a vocabulary, and states in which it says what comes next.

const FAMILIES = {
  bigram: BigramModel, ngram: NGramModel, gpt: GPTModel, "classic-gpt": ClassicGPTModel, mixture: MixtureModel,
};

/** Returns the model in a Uint8Array, or its base64, that charlm has written; throws charlm.Error if there is none. */
async function load(source) {
  try {
    const { description, arrays } = await readModel(source);
    return new Model(description, arrays);
  } catch (error) {
    if (error instanceof CharlmError) throw error;
    throw new CharlmError(`This is not a model that can be read: ${error.message}.`, { cause: error });
  }
}

/** Returns a model of a family from its description. */
function modelOf(description, arrays, prefix) {
  check(isObject(description) && Object.keys(FAMILIES).includes(description.family), "it is of a family unknown here");
  const { vocab_size: size, context_only: never } = description;
  check(Array.isArray(never) && never.length < size && new Set(never).size === never.length
    && never.every((id) => isCount(id, size)), "the ids that it never predicts are none of its ids");
  return new FAMILIES[description.family](description, arrays, prefix);
}

/** Returns what is known of a model: a name and finite numbers, null for what is not. */
function checkedSummary(summary) {
  const numbers = ["parameters", "ngrams", "order", "layers", "heads", "validationLoss"].map((name) =>
    [name, Number.isFinite(summary[name]) ? summary[name] : null]);
  const name = typeof summary.name === "string" ? summary.name : null;
  return Object.freeze({ name, ...Object.fromEntries(numbers) });
}

/** A model and its vocabulary. */
class Model {
  #model;
  #vocabulary;

  constructor({ vocabulary, model, summary }, arrays) {
    this.#vocabulary = new Vocabulary(vocabulary);
    check(isObject(model) && model.vocab_size === this.#vocabulary.size, "its vocabulary is of another size");
    this.#model = modelOf(model, arrays, "");
    const { roles, symbols, size } = this.#vocabulary;
    this.family = model.family;
    this.size = size;
    this.symbols = Object.freeze(symbols);
    this.specials = { bos: roles.get("bos") ?? null, eos: roles.get("eos") ?? null, unk: roles.get("unk") ?? null };
    this.ofRecords = roles.has("eos");
    this.blockSize = this.#model.blockSize ?? null;
    this.summary = checkedSummary(isObject(summary) ? summary : {});
  }

  /** Returns the ids of a text; an unknown character is unk, or without one an error that names it. */
  encode(text) {
    return this.#vocabulary.encode(text);
  }

  /** Returns the text of ids: nothing for special tokens, and U+FFFD for unk. */
  decode(ids) {
    return this.#vocabulary.decode(ids);
  }

  /** Returns the state before the first character: after bos, if there is one. */
  start() {
    const { bos } = this.specials;
    const first = bos ?? this.#vocabulary.symbolIds[0] ?? 0;
    return new State(this.#model, this.#vocabulary, this.#model.step(null, first), bos === null);
  }
}

/** What a model knows after some characters. A state never changes: it can be stepped from again and again. */
class State {
  #model;
  #vocabulary;
  #inner;
  #isBefore; // whether nothing has come, not even bos: then a text can begin with anything
  #all = null;
  #known = null;
  #shown = null;

  constructor(model, vocabulary, inner, isBefore) {
    this.#model = model;
    this.#vocabulary = vocabulary;
    this.#inner = inner;
    this.#isBefore = isBefore;
  }

  /** Returns the state after one more id; this one stays as it is. */
  step(id) {
    this.#vocabulary.checkId(id);
    return new State(this.#model, this.#vocabulary, this.#model.step(this.#isBefore ? null : this.#inner, id), false);
  }

  /**
   * Natural logs of the probabilities of what comes next, Float64Array(V), as CharLM.next_symbols gives them and with
   * which generate draws: over symbols and the end of a record. Minus infinity for all else, unk among it.
   */
  get logProbabilities() {
    if (this.#known === null) {
      this.#known = Float64Array.from(this.#scores);
      for (const id of this.#vocabulary.neverDrawn) this.#known[id] = -Infinity;
      normalized(this.#known);
    }
    return this.#known;
  }

  /**
   * Returns the natural log of the probability with which an id comes next where a text is scored, as
   * CharLM.log_probabilities does: unk has a share, for each of the characters that the model does not know.
   */
  logProbability(id) {
    this.#vocabulary.checkId(id);
    if (this.#isBefore) return -Math.log(this.#vocabulary.outcomes);
    return this.#scores[id] + (id === this.#vocabulary.roles.get("unk") ? this.#vocabulary.logShareOfUnknown : 0);
  }

  get #scores() {
    return (this.#all ??= this.#model.logProbabilitiesAfter(this.#inner));
  }

  get #details() {
    return (this.#shown ??= this.#isBefore ? {} : this.#model.shown(this.#inner));
  }

  /** N-gram models, also inside others: how many of the last characters were found as a context; null otherwise. */
  get contextLength() {
    return this.#details.contextLength ?? null;
  }

  /** Transformers: for each layer and head, how much this position attends to each of the window; null otherwise. */
  get attention() {
    return this.#details.attention ?? null;
  }

  /** Transformers: the place in the text of the first position of the window, -1 for bos; null otherwise. */
  get windowStart() {
    const { windowStart } = this.#details;
    return windowStart === undefined ? null : windowStart - (this.#vocabulary.roles.has("bos") ? 1 : 0);
  }

  /** Mixtures and priors: what each part says and how much it counts, [{name, share, logProbabilities}]; or null. */
  get shares() {
    return this.#details.shares ?? null;
  }
}
