"use strict";
// A text as a model reads it: symbol by symbol, with the state before each, from which all that the page shows is taken.
//
// States are immutable, so that those before an edit stay: only what follows it is read anew, a slice of time at once.

const MOST_CHARACTERS = 5000;
const STATE_BYTES = 64 << 20; // of the probabilities in states; of a large vocabulary only some states are kept
const BYTES_A_SYMBOL = 16; // in each state: two numbers

/** Returns as much of a text as the page reads. */
const readable = (text) => Array.from(text).slice(0, MOST_CHARACTERS).join("");

/** A text and what a model makes of it. */
class Transcript {
  constructor(model, alphabet) {
    this.model = model;
    this.alphabet = alphabet;
    this.cells = []; // of each symbol: id, text, and once it was read what #judged returns
    this.read = 0; // how many symbols the model has read
    this.states = [model.start()];
    this.spacing = Math.max(1, Math.ceil((MOST_CHARACTERS * model.size * BYTES_A_SYMBOL) / STATE_BYTES));
  }

  get text() {
    return this.cells.map((cell) => cell.text).join("");
  }

  get isRead() {
    return this.read === this.cells.length;
  }

  /**
   * Takes another text; what it shares with the one before at its beginning stays read. Returns what was replaced, in
   * symbols: {from, removed, added}.
   */
  update(text) {
    const symbols = this.alphabet.split(text);
    const before = this.cells;
    const isSame = (one, other) => one.id === other.id && one.text === other.text;
    const least = Math.min(symbols.length, before.length);
    let from = 0;
    while (from < least && isSame(symbols[from], before[from])) from += 1;
    let kept = 0;
    while (kept < least - from && isSame(symbols[symbols.length - 1 - kept], before[before.length - 1 - kept])) kept += 1;
    const added = symbols.slice(from, symbols.length - kept);
    const removed = before.length - kept - from;
    before.splice(from, removed, ...added);
    if (added.length || removed) this.#forget(from);
    return { from, removed, added: added.length };
  }

  #forget(from) {
    this.read = Math.min(this.read, from);
    this.states.length = Math.min(this.states.length, this.read + 1);
  }

  /** Reads on until all is read or the time is up; returns whether all is read. */
  readUntil(deadline) {
    while (!this.isRead) {
      const state = this.stateAt(this.read);
      const cell = this.cells[this.read];
      Object.assign(cell, this.#judged(state, cell));
      this.states[this.read + 1] = cell.id === null ? state : state.step(cell.id);
      const isKept = this.read % this.spacing === 0 || this.read === 0;
      if (!isKept) this.states[this.read] = undefined;
      this.read += 1;
      if (performance.now() >= deadline) break;
    }
    return this.isRead;
  }

  /** The state before a symbol, or at the end; undefined where the model has not read so far. */
  stateAt(place) {
    if (place > this.read) return undefined;
    let known = place;
    while (this.states[known] === undefined) known -= 1;
    let state = this.states[known];
    for (; known < place; known += 1) {
      if (this.cells[known].id !== null) state = state.step(this.cells[known].id);
    }
    return state;
  }

  #judged(state, { id }) {
    const { contextLength } = state;
    const shares = state.shares?.map(({ share }) => share) ?? null;
    if (id === null) return { bits: null, rank: null, probability: null, contextLength, shares };
    const own = state.logProbabilities[id];
    const rank = own === -Infinity ? null : 1 + state.logProbabilities.reduce((more, each) => more + (each > own), 0);
    const logProbability = state.logProbability(id);
    return { bits: -logProbability / Math.LN2, rank, probability: Math.exp(logProbability), contextLength, shares };
  }

  /** The surprise at the end of a record here, in bits; null for a text. */
  get endBits() {
    const { eos } = this.alphabet.specials;
    if (eos === null || !this.isRead) return null;
    return -this.stateAt(this.cells.length).logProbability(eos) / Math.LN2;
  }
}

/** The texts that there have been, in the order in which they came to be: what stepping back returns to. */
class History {
  constructor(text) {
    this.versions = [{ text, caret: text.length }];
    this.place = 0;
    this.isTyping = false;
  }

  /** Keeps a text; what is typed in one go is one version. What came after the version that it changes is forgotten. */
  keep(text, caret, isTyping = false) {
    if (text === this.versions[this.place].text) return;
    const continues = isTyping && this.isTyping && this.place > 0;
    this.versions.length = this.place + 1;
    if (continues) this.versions[this.place] = { text, caret };
    else this.place = this.versions.push({ text, caret }) - 1;
    this.isTyping = isTyping;
  }

  /** Remembers where the caret is in this version, for those who come back to it. */
  moved(caret) {
    this.versions[this.place].caret = caret;
  }

  get canGoBack() {
    return this.place > 0;
  }

  get canGoForward() {
    return this.place < this.versions.length - 1;
  }

  /** Returns the version before (-1) or after (1) this one. */
  go(steps) {
    this.place += steps;
    this.isTyping = false;
    return this.versions[this.place];
  }
}
