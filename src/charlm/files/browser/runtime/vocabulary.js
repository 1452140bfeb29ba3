// The vocabulary: what each id shows, and which ids a text has: from left to right, at each place the longest symbol.

const CODE_POINTS = 0x110000;
const REPLACEMENT = "\ufffd"; // what unk decodes to

/** The symbols of a model and their ids. */
class Vocabulary {
  constructor(content) {
    check(isObject(content) && content.format === "chartok.vocabulary" && content.version === 1
      && Array.isArray(content.tokens) && content.tokens.length > 0, "it has no vocabulary");
    this.size = content.tokens.length;
    this.symbols = [];
    this.texts = []; // what each id decodes to
    this.roles = new Map();
    this.ids = new Map();
    this.longest = 1;
    content.tokens.forEach((token, id) => this.#add(token, id));
    const special = new Set(this.roles.values());
    this.symbolIds = this.symbols.map((_, id) => id).filter((id) => !special.has(id));
    this.neverDrawn = [...this.roles].filter(([name]) => name !== "eos").map(([, id]) => id);
    this.outcomes = this.size - [...this.roles.keys()].filter((name) => name !== "eos" && name !== "unk").length;
    check(this.outcomes > 0, "its vocabulary is empty");
    const single = this.symbolIds.filter((id) => this.symbols[id].length <= 2 && [...this.symbols[id]].length === 1);
    this.logShareOfUnknown = -Math.log(CODE_POINTS - single.length);
  }

  #add(token, id) {
    if (typeof token === "string") {
      check(!this.roles.has(token), "a special token occurs twice");
      this.roles.set(token, id);
      this.symbols.push(`<${token}>`);
      this.texts.push(token === "unk" ? REPLACEMENT : "");
      return;
    }
    const points = Array.isArray(token) ? token : [token];
    check(points.length > 0 && points.every((point) => isCount(point, CODE_POINTS)), "a symbol is no text");
    const symbol = points.map((point) => String.fromCodePoint(point)).join("");
    check(!this.ids.has(symbol), "a symbol occurs twice");
    this.ids.set(symbol, id);
    this.longest = Math.max(this.longest, points.length);
    this.symbols.push(symbol);
    this.texts.push(symbol);
  }

  /** Returns the ids of a text; an unknown character is unk, or without one an error that names it. */
  encode(text) {
    checkArgument("text", text, typeof text === "string", "a string");
    const points = Array.from(text);
    const ids = [];
    for (let place = 0; place < points.length;) {
      let size = Math.min(this.longest, points.length - place);
      while (size > 1 && !this.ids.has(points.slice(place, place + size).join(""))) size--;
      const id = this.ids.get(points.slice(place, place + size).join("")) ?? this.roles.get("unk");
      if (id === undefined) throw unknownCharacter(points[place], place);
      ids.push(id);
      place += size;
    }
    return ids;
  }

  /** Throws an error unless a value is one of the ids. */
  checkId(id) {
    checkValue(isCount(id, this.size), `The model has no id ${String(id)}.`);
  }

  /** Returns the text of ids. */
  decode(ids) {
    checkArgument("ids", ids, Array.isArray(ids) || ArrayBuffer.isView(ids), "an array of ids");
    for (const id of ids) this.checkId(id);
    return Array.from(ids, (id) => this.texts[id]).join("");
  }
}

function unknownCharacter(character, place) {
  const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return new CharlmError(`The model does not know the character U+${code} at place ${place + 1}: leave it out.`);
}
