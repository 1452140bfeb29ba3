"use strict";
// What the symbols of a vocabulary look like, and where they are in a text.
//
// Symbols come from a model file, which anyone may have made, and are shown as text alone, never as HTML. Characters that
// a browser hides or obeys (control characters, bidi controls, unusual spaces) are shown by a name; in the text box, which
// can show nothing but characters, each is shown by a stand-in of its own, so that what is in the box stands for one text
// alone: those of the vocabulary, and those of a text that the model does not know.

const SIGNS = new Map([[" ", "␣"], ["\n", "↵"], ["\t", "⇥"], ["", "end"]]);
const SPOKEN = new Map([[" ", "space"], ["\n", "new line"], ["\t", "tab"], ["", "the end"]]);
const JOINERS = "\u200c\u200d";
const HIDDEN = /[\p{C}\p{Z}]/u;
const MARK = /^\p{M}/u;
// Circled numbers and letters, Braille patterns, rare ideographs: signs that hardly any text has.
const STAND_INS = [[0x2460, 0x24ff], [0x2801, 0x28ff], [0x20000, 0x2a6df]];

const codeOf = (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
const isHidden = (character) => HIDDEN.test(character) && !SIGNS.has(character);

/** Returns the length of a text in characters. */
const lengthOf = (text) => Array.from(text).length;

/** Returns a visible form of a symbol: for each character itself, a sign, or its code point; "" is the end of a record. */
function visible(symbol) {
  if (SIGNS.has(symbol)) return SIGNS.get(symbol);
  const characters = Array.from(symbol);
  if (characters.length > 1) {
    return characters.map((each) => (JOINERS.includes(each) ? each : visible(each))).join("");
  }
  if (isHidden(symbol)) return codeOf(symbol);
  return MARK.test(symbol) ? `◌${symbol}` : symbol;
}

/** Returns how a screen reader is to say a symbol. */
const spoken = (symbol) => SPOKEN.get(symbol) ?? visible(symbol);

/** The symbols of a model: which a text consists of, and how they are shown in the text box. */
class Alphabet {
  constructor(model) {
    const special = new Set(Object.values(model.specials).filter((id) => id !== null));
    this.specials = model.specials;
    this.ofSymbol = new Map();
    model.symbols.forEach((symbol, id) => {
      if (!special.has(id) && model.decode([id]) === symbol) this.ofSymbol.set(symbol, id);
    });
    this.symbols = model.symbols;
    this.longest = Math.max(1, ...Array.from(this.ofSymbol.keys(), lengthOf));
    this.standIn = new Map();
    this.meaning = new Map(); // of each stand-in: the character that it stands for
    this.#standInForSymbols();
  }

  #standInForSymbols() {
    const characters = new Set(Array.from(this.ofSymbol.keys()).flatMap((symbol) => Array.from(symbol)));
    this.free = new Set(STAND_INS.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, place) => String.fromCodePoint(first + place))));
    for (const character of characters) this.free.delete(character);
    for (const hidden of Array.from(characters).filter(isHidden).sort()) this.#signOf(hidden);
  }

  /** Returns the sign of a character, which is that of no other: itself, or a stand-in. */
  #signOf(character) {
    if (this.standIn.has(character)) return this.standIn.get(character);
    const isPlain = !isHidden(character) && !this.meaning.has(character);
    const [sign] = isPlain ? [character] : this.free;
    if (sign === undefined) return character;
    this.free.delete(sign);
    if (isPlain) return character;
    this.standIn.set(character, sign);
    this.meaning.set(sign, character);
    return sign;
  }

  /** Returns a text as the text box shows it. */
  shown(text) {
    return Array.from(text, (each) => this.#signOf(each)).join("");
  }

  /** Returns the text that the text box shows so. */
  meant(box) {
    return Array.from(box, (each) => this.meaning.get(each) ?? each).join("");
  }

  /** Returns what an id stands for: its symbol, or "" for the end of a record. */
  symbolOf(id) {
    return id === this.specials.eos ? "" : this.symbols[id];
  }

  /**
   * Returns the symbols of a text, the longest that fits first, each as {id, text}. An id of null is a character that the
   * model cannot read and that is left out of what it reads.
   */
  split(text) {
    const characters = Array.from(text);
    const found = [];
    for (let from = 0; from < characters.length;) {
      let length = Math.min(this.longest, characters.length - from);
      const part = () => characters.slice(from, from + length).join("");
      while (length > 1 && !this.ofSymbol.has(part())) length -= 1;
      found.push({ id: this.ofSymbol.get(part()) ?? this.specials.unk ?? null, text: part() });
      from += length;
    }
    return found;
  }
}
