// What Transformers have in common: windows of context, cached keys and values, attention.
//
// A text longer than a block is read in windows that begin half a block apart, and each id is predicted in the first
// window that reaches it, as everywhere in charlm. The window that is next grows along with the one that is read, so
// that no step has to read half a block at once.

const MOST_LAYERS = 256;
const LARGEST_WIDTH = 2 ** 16;
const LARGEST_SIZE = 2 ** 31; // of all other sizes

/** A Transformer. Its states hold the window that is read, and the next one if that has begun. */
class Transformer {
  constructor(description) {
    const { vocab_size: size, context_only: never, block_size, n_layers, n_heads, width } = description;
    check([block_size, n_layers, n_heads, width].every((each) => isCount(each, LARGEST_SIZE) && each > 0)
      && n_layers <= MOST_LAYERS && width <= LARGEST_WIDTH && width % n_heads === 0,
    "the shape of its Transformer is out of range");
    Object.assign(this, { size, never, width, blockSize: block_size, layers: n_layers, heads: n_heads });
    this.stride = block_size - (block_size >> 1);
    this.headSize = width / n_heads;
    this.vector = new Float64Array(width);
    this.normal = new Float64Array(width);
    this.query = new Float64Array(3 * width);
    this.gathered = new Float64Array(width);
    this.hidden = new Float64Array(4 * width);
  }

  /** Returns the state after one more id; null is that before the first. */
  step(state, id) {
    const place = state === null ? 0 : state.place + 1;
    const kept = this.blockSize - this.stride + 1;
    const start = place + 1 <= kept ? 0 : Math.floor((place + 1 - kept) / this.stride) * this.stride;
    const isNew = state !== null && start !== state.window.start;
    const window = this.#grown(isNew ? state.next : state?.window, start, place, id, true);
    const next = this.#grown(isNew ? null : state?.next, start + this.stride, place, id, false);
    return { place, window, next };
  }

  /** Returns a window with one more id; null if it has not begun. */
  #grown(before, start, place, id, isRead) {
    if (place < start) return null;
    const window = {
      start,
      ids: [...(before?.ids ?? []), id].slice(-this.idsSeen),
      counted: this.counted(before?.counted ?? null, id),
      memory: [...(before?.memory ?? []), new Float32Array(2 * this.layers * this.width)],
      attention: isRead ? new Float32Array(this.layers * this.heads * (place - start + 1)) : null,
      last: null,
    };
    this.embed(window, this.vector);
    for (let layer = 0; layer < this.layers; layer++) this.#layer(layer, window);
    if (isRead) window.last = Float32Array.from(this.vector);
    return window;
  }

  #layer(layer, window) {
    const { vector, query, width } = this;
    this.project(layer, vector, query, window.memory.length - 1);
    const memory = window.memory[window.memory.length - 1];
    memory.set(query.subarray(width, 2 * width), 2 * layer * width);
    memory.set(query.subarray(2 * width), (2 * layer + 1) * width);
    if (window.attention === null && layer === this.layers - 1) return; // only its keys and values are wanted
    this.#attend(layer, window);
    this.gather(layer, this.gathered, vector);
    this.think(layer, vector);
  }

  /** Gathers softmax(q K^T / sqrt(head size)) V of each head. */
  #attend(layer, { memory, attention }) {
    const { heads, headSize, query, gathered } = this;
    const length = memory.length;
    const weights = attention === null
      ? new Float32Array(heads * length) : attention.subarray(layer * heads * length, (layer + 1) * heads * length);
    const scale = 1 / Math.sqrt(headSize);
    const keysAt = 2 * layer * this.width;
    for (let place = 0; place < length; place++) {
      const keys = memory[place];
      for (let head = 0; head < heads; head++) {
        let product = 0;
        for (let part = head * headSize, stop = part + headSize; part < stop; part++) {
          product += query[part] * keys[keysAt + part];
        }
        weights[head * length + place] = product * scale;
      }
    }
    for (let head = 0; head < heads; head++) toShares(weights, head * length, (head + 1) * length);
    gathered.fill(0);
    const valuesAt = keysAt + this.width;
    for (let place = 0; place < length; place++) {
      const values = memory[place];
      for (let head = 0; head < heads; head++) {
        const weight = weights[head * length + place];
        for (let part = head * headSize, stop = part + headSize; part < stop; part++) {
          gathered[part] += weight * values[valuesAt + part];
        }
      }
    }
  }

  /** Returns the natural logs of what comes after a state, Float64Array(V). */
  logProbabilitiesAfter(state) {
    const row = this.logits(state.window);
    for (const id of this.never) row[id] = -Infinity;
    return normalized(row);
  }

  /** Returns what can be shown of a state besides. */
  shown({ window }) {
    const length = window.memory.length;
    const ofHead = (layer, head) => window.attention.slice(
      (layer * this.heads + head) * length, (layer * this.heads + head + 1) * length,
    );
    const heads = (layer) => Array.from({ length: this.heads }, (_, head) => ofHead(layer, head));
    return { attention: Array.from({ length: this.layers }, (_, layer) => heads(layer)), windowStart: window.start };
  }
}

/** Turns scores into shares of 1, in place: their softmax. */
function toShares(scores, start, stop) {
  let highest = -Infinity;
  for (let place = start; place < stop; place++) if (scores[place] > highest) highest = scores[place];
  let sum = 0;
  for (let place = start; place < stop; place++) {
    scores[place] = Math.exp(scores[place] - highest);
    sum += scores[place];
  }
  for (let place = start; place < stop; place++) scores[place] /= sum;
}
