// N-grams as a tree, in the layout of charlm's compact files. A node is an n-gram, numbered by length and then by its
// ids; 0 is the empty one. Node n ends with ids[n - 1], and its children are the nodes from childStarts[n] + 1 to
// childStarts[n + 1]. The shape is the number of children of each context in unary (Jacobson, 1989).

const HIGHEST_ORDER = 1024;

/** The n-grams of a model. */
class NGramTree {
  constructor({ order, vocab_size: size }, arrays, prefix) {
    check(isCount(order, HIGHEST_ORDER + 1) && order > 0, "its order is out of range");
    this.order = order;
    this.ids = arrayOf(arrays, `${prefix}ids`, ["U8", "U16", "U32"], [null]);
    this.contexts = arrayOf(arrays, `${prefix}backoff_codes`, ["U8"], [null]).length;
    const shape = arrayOf(arrays, `${prefix}shape`, ["U8"], [Math.ceil((this.ids.length + this.contexts) / 8)]);
    this.childStarts = unaryStarts(shape, this.ids.length, this.contexts);
    this.levels = this.#levels();
    this.#checkAscending(size);
    this.suffixes = this.#suffixes();
  }

  /** Returns the last node of each length. */
  #levels() {
    const levels = [0];
    for (let length = 0; length < this.order; length++) {
      check(levels[length] < this.contexts, "its n-grams are no tree of its order");
      levels.push(this.childStarts[levels[length] + 1]);
    }
    check(levels[this.order - 1] + 1 === this.contexts && levels[this.order] === this.ids.length,
      "its n-grams are no tree of its order");
    return levels;
  }

  #checkAscending(size) {
    for (let context = 0; context < this.contexts; context++) {
      let before = -1;
      for (let ngram = this.childStarts[context]; ngram < this.childStarts[context + 1]; ngram++) {
        const id = this.ids[ngram];
        if (id <= before || id >= size) check(false, "the ids after a context do not ascend");
        before = id;
      }
    }
  }

  /** Returns the node of each n-gram without its first id, the empty one first. */
  #suffixes() {
    const suffixes = new Uint32Array(this.ids.length + 1);
    for (let context = 1; context < this.contexts; context++) {
      for (let ngram = this.childStarts[context]; ngram < this.childStarts[context + 1]; ngram++) {
        const suffix = this.child(suffixes[context], this.ids[ngram]);
        if (suffix === 0) check(false, "the suffix of an n-gram is missing");
        suffixes[ngram + 1] = suffix;
      }
    }
    return suffixes;
  }

  /** Returns the child of a context with an id; 0 if there is none. */
  child(context, id) {
    const stop = this.childStarts[context + 1];
    let low = this.childStarts[context];
    let high = stop;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ids[middle] < id) low = middle + 1;
      else high = middle;
    }
    return low < stop && this.ids[low] === id ? low + 1 : 0;
  }

  /** Returns the longest context that is stored and ends in a context and one more id. */
  following(context, id) {
    let longest = context;
    if (longest > 0 && longest > this.levels[this.order - 2]) longest = this.suffixes[longest];
    while (this.order > 1) {
      const child = this.child(longest, id);
      if (child > 0 || longest === 0) return child;
      longest = this.suffixes[longest];
    }
    return 0;
  }

  /** Returns the number of ids of a node. */
  lengthOf(node) {
    return this.levels.findIndex((last) => node <= last);
  }
}

/** Returns where the children of each context begin: as many ones as it has and a zero, highest bit of a byte first. */
function unaryStarts(bytes, ngrams, contexts) {
  const starts = new Uint32Array(contexts + 1);
  let ones = 0;
  let zeros = 0;
  for (let place = 0; place < ngrams + contexts; place++) {
    if ((bytes[place >> 3] >> (7 - (place & 7))) & 1) ones++;
    else if (++zeros <= contexts) starts[zeros] = ones;
  }
  check(contexts > 0 && ones === ngrams && zeros === contexts && starts[contexts] === ngrams,
    "the shape of its n-grams does not fit their number");
  return starts;
}
