// charlm's GPT: rotary positions, normalized queries and keys, squared ReLU, and logits that may start from counts.

const LONGEST_HASHED = 4;
const HASH_MULTIPLIER = 1000003;
const HASH_MODULUS = 2 ** 31 - 1;
const BEFORE_THE_START = -1;
const ROTARY_BASE = 10000;
const LOGIT_LIMIT = 15;

/** A GPT. */
class GPTModel extends Transformer {
  constructor(description, arrays, prefix) {
    super(description);
    const { hash_rows: hashRows, hashed_as: hashedAs, prior } = description;
    check(this.width % (2 * this.heads) === 0, "the shape of its Transformer is out of range");
    check(isCount(hashRows, LARGEST_SIZE) && Array.isArray(hashedAs) && [0, this.size].includes(hashedAs.length)
      && hashedAs.every((number) => isCount(number, LARGEST_SIZE)), "its hashes are out of range");
    const { size, width } = this;
    const matrix = (name, rows, columns) => new Matrix(arrays, `${prefix}${name}.weight`, rows, columns);
    this.idsSeen = LONGEST_HASHED;
    this.hashedAs = hashedAs.length > 0 ? hashedAs : null;
    this.embedding = new Matrix(arrays, `${prefix}embedding.weight`, size, width, "I16");
    this.hashed = Array.from({ length: hashRows > 0 ? LONGEST_HASHED - 1 : 0 }, (_, place) =>
      matrix(`ngram_embeddings.${place}`, hashRows, width));
    this.blocks = Array.from({ length: this.layers }, (_, layer) => ({
      query: matrix(`blocks.${layer}.attention.query`, width, width),
      key: matrix(`blocks.${layer}.attention.key`, width, width),
      value: matrix(`blocks.${layer}.attention.value`, width, width),
      project: matrix(`blocks.${layer}.attention.project`, width, width),
      expand: matrix(`blocks.${layer}.mlp.expand`, 4 * width, width),
      contract: matrix(`blocks.${layer}.mlp.project`, width, 4 * width),
    }));
    this.head = matrix("head", size, width);
    this.frequencies = Float64Array.from({ length: this.headSize / 2 }, (_, part) =>
      ROTARY_BASE ** ((-2 * part) / this.headSize));
    this.prior = prior === null ? null : new CountPrior(prior, this, arrays, prefix);
  }

  /** Returns the context of the prior after one more id of a window. */
  counted(context, id) {
    return this.prior === null ? null : this.prior.ngram.step(context, id);
  }

  /** Writes the embedding of the newest id of a window, and of the n-grams that end with it. */
  embed({ ids, counted }, vector) {
    const newest = ids.length - 1;
    vector.fill(0);
    this.embedding.addRow(ids[newest], vector);
    const numbers = this.hashedAs === null ? ids : ids.map((id) => this.hashedAs[id]);
    let hash = numbers[newest];
    this.hashed.forEach((table, place) => {
      const before = numbers[newest - place - 1] ?? BEFORE_THE_START;
      hash = (hash * HASH_MULTIPLIER + before + HASH_MODULUS) % HASH_MODULUS; // below 2**53
      table.addRow(hash % table.rows, vector);
    });
    this.prior?.embed(counted, vector);
    scaleToOne(vector, vector);
  }

  /** Writes the query, key and value of a position. */
  project(layer, vector, projected, place) {
    const { width, headSize, normal } = this;
    const { query, key, value } = this.blocks[layer];
    scaleToOne(vector, normal);
    query.multiply(normal, projected);
    key.multiply(normal, projected, { start: width });
    value.multiply(normal, projected, { start: 2 * width });
    for (let start = 0; start < 2 * width; start += headSize) {
      scaleToOne(projected, projected, start, start + headSize);
      rotate(projected, start, place, this.frequencies);
    }
  }

  /** Adds what a position has gathered. */
  gather(layer, gathered, vector) {
    this.blocks[layer].project.multiply(gathered, vector, { adds: true });
  }

  /** Adds what the MLP makes of a position. */
  think(layer, vector) {
    const { normal, hidden } = this;
    scaleToOne(vector, normal);
    this.blocks[layer].expand.multiply(normal, hidden);
    for (let place = 0; place < hidden.length; place++) hidden[place] = Math.max(hidden[place], 0) ** 2;
    this.blocks[layer].contract.multiply(hidden, vector, { adds: true });
  }

  /** Returns the logits after a window, Float64Array(V). */
  logits({ last, counted }) {
    const row = this.#ofLayers(last);
    this.prior?.addTo(row, counted, this.normal);
    return row;
  }

  /** Returns what the layers alone say; leaves the normalized position in `normal`. */
  #ofLayers(last) {
    const row = new Float64Array(this.size);
    scaleToOne(last, this.normal);
    this.head.multiply(this.normal, row);
    return row.map((logit) => LOGIT_LIMIT * Math.tanh(logit / LOGIT_LIMIT));
  }

  /** Returns what can be shown of a state besides. */
  shown(state) {
    const { window } = state;
    const found = super.shown(state);
    if (this.prior === null) return found;
    const layers = this.#ofLayers(window.last);
    for (const id of this.never) layers[id] = -Infinity;
    return {
      ...found,
      contextLength: this.prior.ngram.tree.lengthOf(window.counted),
      shares: this.prior.shares(layers, window.counted, this.normal),
    };
  }
}

/** Rotates the two halves of a query or key by the angles of its position (Su et al., 2021). */
function rotate(vector, start, place, frequencies) {
  const half = frequencies.length;
  for (let part = 0; part < half; part++) {
    const cos = Math.cos(place * frequencies[part]);
    const sin = Math.sin(place * frequencies[part]);
    const one = vector[start + part];
    const other = vector[start + half + part];
    vector[start + part] = one * cos - other * sin;
    vector[start + half + part] = other * cos + one * sin;
  }
}
