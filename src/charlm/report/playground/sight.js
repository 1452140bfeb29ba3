"use strict";
// What the model sees, for the character at the caret or under the mouse: how long a context it found (n-grams), what each
// head attends to (Transformers), and which of its parts decided (mixtures, priors). Each also draws under the text.

const LOOKED_BACK = 24; // positions in the small drawing of a head
const BEFORE = "⇤"; // what precedes the text

const PART_NAMES = {
  gpt: "the Transformer", "classic-gpt": "the Transformer", ngram: "the n-grams", bigram: "the bigrams", counts: "the counts",
  layers: "the layers",
};
const partName = ({ name }) => PART_NAMES[name] ?? name;

/** How long a context was found for each character. */
class ContextSight {
  constructor(model) {
    this.name = "Context found";
    this.who = model.summary.layers ? "Its n-grams use" : "The model uses";
    this.most = Math.max(1, (model.summary.order ?? 2) - 1);
    this.caption = "How many characters of the text, and what comes next, were predicted from a context of each length. The bars under the text show the length for each one.";
    if (model.specials.bos !== null) this.caption += " The start counts as a character.";
    this.drawing = element("div", "lengths");
    this.drawing.setAttribute("role", "img");
  }

  static sees(state) {
    return state.contextLength !== null;
  }

  heights(cells) {
    return cells.map((cell) => Math.min((cell.contextLength ?? 0) / this.most, 1));
  }

  context(state, place) {
    return [place - state.contextLength, place];
  }

  tell(state, place, cells) {
    const length = state.contextLength;
    if (!length) return "No character before this place helped: the model only knows how often each one occurs.";
    const before = cells.slice(0, place).filter((cell) => cell.id !== null);
    const context = before.slice(-length).map((cell) => cell.text).join("");
    const last = Math.min(length, before.length); // without the start
    const characters = last === 1 ? "the last character" : `the last ${last} characters`;
    const seen = [...(length > last ? ["the start"] : []), ...(last ? [`${characters}, ${quoted(context)}`] : [])].join(" and ");
    let limit = "nothing longer that ends here was in its training text.";
    if (length > last) limit = "all that precedes this place.";
    else if (length >= this.most) limit = "as far back as it looks.";
    return `${this.who} ${seen}: ${limit}`;
  }

  draw(state, place, cells, { atEnd }) {
    const counts = new Array(this.most + 1).fill(0);
    for (const { contextLength } of atEnd ? [...cells, atEnd] : cells) {
      if (contextLength !== undefined) counts[Math.min(contextLength, this.most)] += 1;
    }
    const highest = Math.max(1, ...counts);
    this.drawing.replaceChildren(...counts.map((count, length) => {
      const column = element("div", length === Math.min(state.contextLength, this.most) ? "column now" : "column");
      column.append(element("span", "count", String(count)), element("i"), element("span", "length", String(length)));
      column.style.setProperty("--share", count / highest);
      return column;
    }));
    const words = counts.map((count, length) => `${length}: ${count}`).join(", ");
    this.drawing.setAttribute("aria-label", `Characters of the text, and what comes next, by the length of the context that was found: ${words}`);
  }
}

/** Which earlier characters each head of a Transformer attends to. */
class AttentionSight {
  constructor(model, changed) {
    this.name = "Attention";
    this.head = null; // {layer, head}, or null for the mean of all
    this.drawing = element("div", "heads");
    this.drawing.setAttribute("role", "group");
    this.drawing.setAttribute("aria-label", "Heads: rows are layers");
    this.buttons = [];
    this.changed = changed;
  }

  static sees(state) {
    return state.attention !== null;
  }

  /** Returns how much each position of the window is looked at, by a head, or by all on average. */
  #weights({ attention }, chosen) {
    if (chosen !== null) return attention[chosen.layer][chosen.head];
    const rows = attention.flat();
    return rows[0].map((_, position) => rows.reduce((sum, row) => sum + row[position], 0) / rows.length);
  }

  /** Returns which symbol of the text each position of the window is; undefined for what precedes the text. */
  #places({ attention, windowStart }, cells) {
    const read = cells.flatMap((cell, place) => (cell.id === null ? [] : [place]));
    return Array.from(attention[0][0], (_, position) => read[windowStart + position]);
  }

  /** Returns what is looked at most: {place, weight}. */
  #favourite(weights, places) {
    const position = weights.reduce((best, weight, each) => (weight > weights[best] ? each : best), 0);
    return { place: places[position], weight: weights[position] };
  }

  heights(cells, state) {
    const weights = this.#weights(state, this.head);
    const most = Math.max(...weights);
    const heights = new Array(cells.length).fill(0);
    this.#places(state, cells).forEach((place, position) => {
      if (place !== undefined) heights[place] = weights[position] / most;
    });
    return heights;
  }

  context(state, place) {
    return [place, place];
  }

  tell(state, end, cells) {
    const { place, weight } = this.#favourite(this.#weights(state, this.head), this.#places(state, cells));
    const looks = this.head ? `Layer ${this.head.layer + 1}, head ${this.head.head + 1} looks` : "All heads together look";
    if (place === undefined) return `${looks} most at what precedes the text (${percent(weight)}).`;
    const where = end - place === 1 ? "the character just before" : `${end - place} characters back`;
    return `${looks} most at ${quoted(cells[place].text)}, ${where} (${percent(weight)}).`;
  }

  draw(state, end, cells) {
    if (!this.buttons.length) this.#build(state.attention);
    const places = this.#places(state, cells);
    for (const { button, path, best, head } of this.buttons) {
      const weights = this.#weights(state, head);
      const recent = Array.from(weights.slice(-LOOKED_BACK));
      const most = Math.max(...recent);
      const left = LOOKED_BACK - recent.length;
      path.setAttribute("d", recent.map((weight, at) => `M${left + at + 0.1} 10v${(-9 * weight) / most}h.8V10z`).join(""));
      const { place, weight } = this.#favourite(weights, places);
      best.textContent = `${place === undefined ? BEFORE : visible(cells[place].text)} ${Math.round(100 * weight)}%`;
      const isChosen = head?.layer === this.head?.layer && head?.head === this.head?.head;
      button.setAttribute("aria-pressed", String(isChosen));
    }
  }

  #build(attention) {
    this.drawing.append(this.#button("All heads", "All heads", null));
    attention.forEach((heads, layer) => {
      const row = element("div", "layer");
      row.append(element("span", "layer-name", `Layer ${layer + 1}`));
      heads.forEach((_, head) => {
        row.append(this.#button(String(head + 1), `Layer ${layer + 1}, head ${head + 1}`, { layer, head }));
      });
      this.drawing.append(row);
    });
  }

  #button(name, label, head) {
    const button = element("button", head === null ? "head all" : "head");
    button.type = "button";
    button.setAttribute("aria-label", label);
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("viewBox", `0 0 ${LOOKED_BACK} 10`);
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("aria-hidden", "true");
    const path = drawing.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    const best = element("span", "best");
    button.append(element("span", "head-name", name), best, drawing);
    button.addEventListener("click", () => {
      this.head = head;
      this.changed();
    });
    this.buttons.push({ button, path, best, head });
    return button;
  }

  get caption() {
    return `Each drawing shows the last ${LOOKED_BACK} characters, the newest at the right, and names the one that the head looks at most. Choose a head to show it under the text.`;
  }
}

/** Which part of a mixture, or of a model with a prior, decided. */
class SharesSight {
  constructor(model, changed) {
    this.name = "Which part decided";
    this.part = 0;
    this.changed = changed;
    this.drawing = element("div", "parts");
    this.drawing.setAttribute("role", "group");
    this.drawing.setAttribute("aria-label", "Parts of the model");
  }

  static sees(state) {
    return state.shares !== null;
  }

  heights(cells) {
    return cells.map((cell) => cell.shares?.[this.part] ?? 0);
  }

  context(state, place) {
    return [place, place];
  }

  tell(state) {
    const strongest = state.shares.reduce((one, other) => (other.share > one.share ? other : one));
    const drawn = state.shares[this.part];
    return `Most of this prediction comes from ${partName(strongest)}, ${percent(strongest.share)}. Under the text: how much of each prediction comes from ${partName(drawn)}.`;
  }

  draw(state, place, cells, { alphabet }) {
    const actual = cells[place]?.id ?? null;
    this.drawing.replaceChildren(...state.shares.map((each, part) => {
      const { share, logProbabilities } = each;
      const button = element("button", "part");
      button.type = "button";
      button.setAttribute("aria-pressed", String(part === this.part));
      button.style.setProperty("--share", share);
      button.append(element("span", "part-name", partName(each)), element("span", "part-share", percent(share)), element("i"));
      const ids = Array.from(logProbabilities.keys());
      const favourites = likeliest(ids, logProbabilities, 3);
      const shown = actual === null || favourites.includes(actual) ? favourites : [...favourites, actual];
      const words = shown.map((id) => `${visible(alphabet.symbolOf(id))} ${percent(Math.exp(logProbabilities[id]))}`);
      button.append(element("span", "favourites", words.join("  ")));
      button.addEventListener("click", () => {
        this.part = part;
        this.changed();
        this.drawing.children[part].focus();
      });
      return button;
    }));
  }

  get caption() {
    return "What each part alone would have predicted, and its share. Choose one to show its share under the text.";
  }
}

/** The section that shows what the model sees, in each way in which it can be seen. */
class Sight {
  constructor(model, editor, alphabet) {
    Object.assign(this, { editor, alphabet });
    const [first] = alphabet.ofSymbol.values();
    const state = model.start().step(first);
    const again = () => this.last && this.show(...this.last);
    this.ways = [AttentionSight, SharesSight, ContextSight].filter((Way) => Way.sees(state)).map((Way) => new Way(model, again));
    [this.way] = this.ways;
    byId("sight").hidden = !this.ways.length;
    if (this.ways.length > 1) this.#offer(again);
  }

  #offer(again) {
    byId("ways").hidden = false;
    for (const way of this.ways) {
      const label = byId("ways").appendChild(element("label"));
      const choice = label.appendChild(element("input"));
      Object.assign(choice, { type: "radio", name: "way", checked: way === this.way });
      label.append(way.name);
      choice.addEventListener("change", () => {
        this.way = way;
        again();
      });
    }
  }

  /** Shows what is seen in a state, which is that before a place in the text, or at its end; `atEnd` is that at its end. */
  show(state, place, cells, atEnd) {
    this.last = [state, place, cells, atEnd];
    const { way } = this;
    if (!way || !state || !way.constructor.sees(state)) {
      this.editor.underline(way?.heights && state && way.constructor === ContextSight ? way.heights(cells, state) : null);
      this.editor.mark(place);
      byId("seen").textContent = "Nothing precedes this place.";
      return;
    }
    way.draw(state, place, cells, { alphabet: this.alphabet, atEnd });
    byId("seen").textContent = way.tell(state, place, cells);
    byId("seen-caption").textContent = way.caption;
    if (byId("seen-drawing").firstChild !== way.drawing) byId("seen-drawing").replaceChildren(way.drawing);
    this.editor.underline(way.heights(cells, state));
    this.editor.mark(place, ...way.context(state, place));
  }
}
