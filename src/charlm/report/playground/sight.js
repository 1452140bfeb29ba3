"use strict";
// What the model sees, for the character at the caret or under the mouse: how long a context it found (n-grams), what each
// head attends to (Transformers), and which of its parts decided (mixtures, priors). Each also draws under the text.

const LOOKED_BACK = 24; // positions in the small drawing of a head

const quoted = (text) => `“${Array.from(text, visible).join("")}”`;

/** Returns a new element with classes and a text. */
function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

/** How long a context was found for each character. */
class ContextSight {
  constructor(model) {
    this.name = "Context found";
    this.most = Math.max(1, (model.summary.order ?? 2) - 1);
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
    const context = cells.slice(Math.max(0, place - length), place).map((cell) => cell.text).join("");
    if (!length) return "No character before this place helped: the model only knows how often each one occurs.";
    const characters = length === 1 ? "the last character" : `the last ${length} characters`;
    const isLongest = length >= this.most ? "as far back as this model looks." : "nothing longer that ends here was in what it learned from.";
    return `The model goes by ${characters}, ${quoted(context)}: ${isLongest}`;
  }

  draw(state, place, cells) {
    const counts = new Array(this.most + 1).fill(0);
    for (const cell of cells) if (cell.contextLength !== undefined) counts[Math.min(cell.contextLength, this.most)] += 1;
    const highest = Math.max(1, ...counts);
    this.drawing.replaceChildren(...counts.map((count, length) => {
      const column = element("div", length === Math.min(state.contextLength, this.most) ? "column now" : "column");
      column.append(element("span", "count", String(count)), element("i"), element("span", "length", String(length)));
      column.style.setProperty("--share", count / highest);
      return column;
    }));
    const words = counts.map((count, length) => `${length}: ${count}`).join(", ");
    this.drawing.setAttribute("aria-label", `Characters of the text by the length of the context that was found: ${words}`);
  }

  get caption() {
    return "How many characters of the text were predicted from a context of each length";
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

  /** Returns the weights on each symbol of the text, and that on what precedes it. */
  #weights(state, cells, { layer, head } = this.head ?? {}) {
    const rows = layer === undefined ? state.attention.flat() : [state.attention[layer][head]];
    const places = cells.flatMap((cell, place) => (cell.id === null ? [] : [place]));
    const weights = new Array(cells.length).fill(0);
    let before = 0;
    for (const row of rows) {
      row.forEach((weight, position) => {
        const place = places[state.windowStart + position];
        if (place === undefined) before += weight / rows.length;
        else weights[place] += weight / rows.length;
      });
    }
    return { weights, before };
  }

  heights(cells, state) {
    const { weights } = this.#weights(state, cells);
    const most = Math.max(...weights, 1e-9);
    return weights.map((weight) => weight / most);
  }

  context(state, place) {
    return [place, place];
  }

  tell(state, place, cells) {
    const { weights, before } = this.#weights(state, cells);
    const best = weights.indexOf(Math.max(...weights));
    const who = this.head ? `Layer ${this.head.layer + 1}, head ${this.head.head + 1}` : "All heads together";
    const looks = `${who} ${this.head ? "looks" : "look"} most at`;
    if (best < 0 || before > weights[best]) return `${looks} what comes before the text (${percent(before)}).`;
    const back = place - best;
    const where = back === 1 ? "the character just before" : `${back} characters back`;
    return `${looks} ${quoted(cells[best].text)}, ${where} (${percent(weights[best])}).`;
  }

  draw(state, place, cells) {
    if (!this.buttons.length) this.#build(state.attention);
    this.buttons.forEach(({ button, path, best, layer, head }) => {
      const isAll = layer === undefined;
      const { weights, before } = this.#weights(state, cells, isAll ? {} : { layer, head });
      const recent = weights.slice(Math.max(0, place - LOOKED_BACK), place);
      const most = Math.max(...recent, 1e-9);
      const left = LOOKED_BACK - recent.length;
      path.setAttribute("d", recent.map((weight, at) => `M${left + at + 0.1} 10v${(-9 * weight) / most}h.8V10z`).join(""));
      const favourite = weights.indexOf(Math.max(...weights));
      const looked = favourite < 0 || before > weights[favourite] ? "start" : visible(cells[favourite].text);
      best.textContent = `${looked} ${percent(Math.max(before, weights[favourite] ?? 0))}`;
      const isPressed = isAll ? this.head === null : this.head?.layer === layer && this.head?.head === head;
      button.setAttribute("aria-pressed", String(isPressed));
    });
  }

  #build(attention) {
    const all = this.#button("All heads");
    this.drawing.append(all);
    attention.forEach((heads, layer) => {
      const row = element("div", "layer");
      row.append(element("span", "layer-name", `Layer ${layer + 1}`));
      heads.forEach((_, head) => row.append(this.#button(`Head ${head + 1}`, layer, head)));
      this.drawing.append(row);
    });
  }

  #button(name, layer, head) {
    const button = element("button", layer === undefined ? "head all" : "head");
    button.type = "button";
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("viewBox", `0 0 ${LOOKED_BACK} 10`);
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("aria-hidden", "true");
    const path = drawing.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    const best = element("span", "best");
    button.append(element("span", "head-name", layer === undefined ? name : String(head + 1)), drawing, best);
    button.setAttribute("aria-label", layer === undefined ? name : `Layer ${layer + 1}, head ${head + 1}`);
    button.addEventListener("click", () => {
      this.head = layer === undefined ? null : { layer, head };
      this.changed();
    });
    this.buttons.push({ button, path, best, layer, head });
    return button;
  }

  get caption() {
    return `Each drawing shows the last ${LOOKED_BACK} characters, the newest at the right, and names the one that the head looks at most. Choose a head to draw it under the text.`;
  }
}

/** Which part of a mixture, or of a model with a prior, decided. */
class SharesSight {
  constructor(model, changed) {
    this.name = "Who decided";
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
    return `Here the ${strongest.name} counts most, ${percent(strongest.share)}. Under the text: how much the ${state.shares[this.part].name} counted for each character.`;
  }

  draw(state, place, cells, alphabet) {
    const actual = cells[place]?.id ?? null;
    this.drawing.replaceChildren(...state.shares.map(({ name, share, logProbabilities }, part) => {
      const button = element("button", "part");
      button.type = "button";
      button.setAttribute("aria-pressed", String(part === this.part));
      button.style.setProperty("--share", share);
      button.append(element("span", "part-name", name), element("span", "part-share", percent(share)), element("i"));
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
    return "What each part would have said, and how much it counts. Choose one to draw its share under the text.";
  }
}

/** The section that shows what the model sees, in each way in which it can be seen. */
class Sight {
  constructor(model, editor, alphabet) {
    Object.assign(this, { editor, alphabet });
    const [first] = alphabet.ofSymbol.values();
    const state = model.start().step(first);
    const again = () => this.last && this.show(...this.last);
    this.ways = [ContextSight, AttentionSight, SharesSight].filter((Way) => Way.sees(state)).map((Way) => new Way(model, again));
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

  /** Shows what is seen in a state, which is that before a place in the text, or at its end. */
  show(state, place, cells) {
    this.last = [state, place, cells];
    const { way } = this;
    if (!way || !state || !way.constructor.sees(state)) {
      this.editor.underline(way?.heights && state && way.constructor === ContextSight ? way.heights(cells, state) : null);
      this.editor.mark(place);
      byId("seen").textContent = "Nothing precedes this place.";
      return;
    }
    way.draw(state, place, cells, this.alphabet);
    byId("seen").textContent = way.tell(state, place, cells);
    byId("seen-caption").textContent = way.caption;
    if (byId("seen-drawing").firstChild !== way.drawing) byId("seen-drawing").replaceChildren(way.drawing);
    this.editor.underline(way.heights(cells, state));
    this.editor.mark(place, ...way.context(state, place));
  }
}
