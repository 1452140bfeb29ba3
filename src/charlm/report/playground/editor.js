"use strict";
// The text box: a <textarea>, in which everything works that people expect of one, over a sheet that has the same text in
// the same places and colors what is behind each character. The sheet is invisible but for its colors.

const END_OF_LINE = "\n";
const MOST_BITS = 10; // the surprise at which the color saturates, as in charlm.evaluation.scored_text

/** How strong the color of a surprise is, from 0 to 1. */
const strength = (bits) => Math.min(Math.max(bits, 0) / MOST_BITS, 1);

/** The text box and the sheet behind it; `on` has what is called: typed(text, how, isComposing), moved(place), pointed(place or null). */
class Editor {
  constructor({ box, sheet, paper }, alphabet, on) {
    Object.assign(this, { box, sheet, paper, alphabet, on });
    this.spans = []; // one for each symbol
    this.starts = [0]; // where each symbol starts in the box, and the end
    this.end = sheet.appendChild(document.createElement("span"));
    this.end.className = "end";
    this.end.textContent = "\u200b";
    box.addEventListener("input", (event) => this.#taken(event));
    box.addEventListener("compositionend", () => this.#taken({ isComposing: false, inputType: "insertCompositionText" }));
    box.addEventListener("copy", (event) => this.#copied(event, false));
    box.addEventListener("cut", (event) => this.#copied(event, true));
    document.addEventListener("selectionchange", () => this.#moved());
    box.addEventListener("keyup", () => this.#moved());
    box.addEventListener("mousemove", (event) => this.#pointed(event));
    box.addEventListener("mouseleave", () => on.pointed(null));
  }

  /** The place of the caret in the box. */
  get caret() {
    return this.box.selectionStart;
  }

  /** The place of the caret, in symbols. */
  get place() {
    return this.placeAt(this.caret);
  }

  /** Returns the symbol that a place in the box is in, or starts with. */
  placeAt(offset) {
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Shows another text, with the caret at a place in the box, by default the end. */
  write(text, caret = Infinity) {
    const { box } = this;
    const shown = this.alphabet.shown(text);
    box.value = shown;
    const offset = Math.min(caret, shown.length);
    box.setSelectionRange(offset, offset);
  }

  /** Adds to the end of the text; a caret that is there goes along, and anything else that is selected stays so. */
  append(text) {
    const { box } = this;
    const { length } = box.value;
    box.setRangeText(this.alphabet.shown(text), length, length, box.selectionStart === length ? "end" : "preserve");
  }

  /** Takes what was typed; a hidden character gets its stand-in once it is composed. */
  #taken({ isComposing, inputType }) {
    const { box, alphabet } = this;
    if (!isComposing) {
      const caret = alphabet.shown(alphabet.meant(box.value.slice(0, box.selectionStart))).length;
      const shown = alphabet.shown(alphabet.meant(box.value));
      if (shown !== box.value) {
        box.value = shown;
        box.setSelectionRange(caret, caret);
      }
    }
    this.on.typed(alphabet.meant(box.value), inputType, isComposing);
  }

  #copied(event, isCut) {
    const { box, alphabet } = this;
    const [from, to] = [box.selectionStart, box.selectionEnd];
    if (from === to) return;
    event.preventDefault();
    event.clipboardData.setData("text/plain", alphabet.meant(box.value.slice(from, to)));
    if (!isCut) return;
    box.setRangeText("", from, to, "end");
    this.on.typed(alphabet.meant(box.value), "deleteByCut");
  }

  #moved() {
    if (document.activeElement === this.box) this.on.moved(this.place);
  }

  #pointed({ clientX, clientY }) {
    const spot = `${clientX} ${clientY}`;
    if (spot === this.spot) return; // a page that scrolls beneath a mouse moves it too
    this.spot = spot;
    const found = document.elementsFromPoint(clientX, clientY).find((each) => each.parentElement === this.sheet);
    const place = found === undefined ? -1 : this.spans.indexOf(found);
    this.on.pointed(place < 0 ? null : place);
  }

  /** Puts spans for symbols in the place of others. */
  replace({ from, removed, added }, cells) {
    for (const span of this.spans.splice(from, removed)) span.remove();
    const next = this.spans[from] ?? this.end;
    const fragment = document.createDocumentFragment();
    const spans = cells.slice(from, from + added).map((cell) => {
      const span = fragment.appendChild(document.createElement("span"));
      span.textContent = this.alphabet.shown(cell.text);
      if (cell.text.endsWith(END_OF_LINE)) span.className = "line-end";
      return span;
    });
    this.spans.splice(from, 0, ...spans);
    this.sheet.insertBefore(fragment, next);
    this.starts.length = from + 1;
    for (let place = from; place < cells.length; place += 1) {
      this.starts.push(this.starts[place] + this.spans[place].textContent.length);
    }
  }

  /** Colors some symbols; the surprise of a combining mark is added to that of the letter that carries it. */
  color(cells, from, to) {
    for (let place = from; place < to; place += 1) {
      let carrier = place;
      while (carrier > 0 && MARK.test(cells[carrier].text)) carrier -= 1;
      const bits = cells.slice(carrier, place + 1).reduce((sum, cell) => sum + cell.bits, 0);
      this.spans[place].classList.toggle("unknown", cells[place].bits === null);
      this.spans[carrier].style.setProperty("--surprise", strength(bits).toFixed(3));
    }
  }

  /** Shows how surprising the end of a record would be here; null shows nothing. */
  colorEnd(bits) {
    this.end.textContent = bits === null ? "\u200b" : visible("");
    this.end.classList.toggle("shown", bits !== null);
    this.end.style.setProperty("--surprise", bits === null ? 0 : strength(bits).toFixed(3));
  }

  /** Draws what is under each symbol: heights from 0 to 1, or none. */
  underline(heights) {
    this.spans.forEach((span, place) => {
      const height = heights?.[place] ?? 0;
      if (span.height === height) return;
      span.height = height;
      span.style.setProperty("--under", height.toFixed(3));
    });
  }

  /** Outlines the symbol at a place, or the end, and marks what was looked at before it: places from one to another. */
  mark(place, from = place, to = place) {
    for (const span of this.sheet.querySelectorAll(".here, .context")) span.classList.remove("here", "context");
    (this.spans[place] ?? this.end).classList.add("here");
    for (const span of this.spans.slice(Math.max(from, 0), to)) span.classList.add("context");
  }

  /** Scrolls to the end of the text. */
  follow() {
    this.paper.scrollTop = this.paper.scrollHeight;
  }
}
