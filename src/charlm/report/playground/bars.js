"use strict";
// What may come next, as bars that can be chosen: behind each the probability that the model gives, and over it the one
// that is left after temperature, top-k and top-p. A bar of 100% is as long as its track.

const MOST_BARS = 10;

/** The list of bars; `chosen` is called with the id of the one that is chosen. */
class Bars {
  constructor({ list, rest }, alphabet, chosen) {
    Object.assign(this, { list, rest, alphabet });
    this.rows = Array.from({ length: MOST_BARS + 1 }, () => this.#row(chosen));
    list.replaceChildren(...this.rows.map((row) => row.item));
    list.addEventListener("keydown", (event) => this.#walked(event));
  }

  #row(chosen) {
    const item = document.createElement("li");
    const button = item.appendChild(document.createElement("button"));
    button.type = "button";
    button.className = "bar";
    const [symbol, track, share] = ["symbol", "track", "share"].map((name) => {
      const part = button.appendChild(document.createElement("span"));
      part.className = name;
      return part;
    });
    track.appendChild(document.createElement("i"));
    track.appendChild(document.createElement("b"));
    const row = { item, button, symbol, track, share, id: null };
    button.addEventListener("click", () => chosen(row.id));
    button.addEventListener("focus", () => this.#stopAt(row));
    return row;
  }

  get #shown() {
    return this.rows.filter((row) => !row.item.hidden);
  }

  /** Makes one row the one that Tab comes to; the arrow keys go to the others. */
  #stopAt(stop) {
    for (const row of this.rows) row.button.tabIndex = row === stop ? 0 : -1;
  }

  #walked(event) {
    const shown = this.#shown;
    const here = shown.findIndex((row) => row.button === document.activeElement);
    const places = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: shown.length - 1 };
    if (here < 0 || !(event.key in places)) return;
    event.preventDefault();
    shown[Math.min(Math.max(places[event.key], 0), shown.length - 1)].button.focus();
  }

  /** Shows what may follow a state. `actual` is the id that does follow in the text, if one does. */
  show(state, shaped, actual) {
    const { logProbabilities } = state;
    const possible = Array.from(logProbabilities.keys()).filter((id) => logProbabilities[id] > -Infinity);
    const ranked = likeliest(possible, logProbabilities, MOST_BARS);
    const isExtra = possible.includes(actual) && !ranked.includes(actual);
    const ids = isExtra ? [...ranked, actual] : ranked;
    this.rows.forEach((row, place) => {
      const isShown = place < ids.length;
      if (!isShown && row.button === document.activeElement) this.rows[0].button.focus();
      row.item.hidden = !isShown;
      if (isShown) this.#fill(row, ids[place], { logProbabilities, shaped, actual });
    });
    if (!this.#shown.some((row) => row.button.tabIndex === 0)) this.#stopAt(this.rows[0]);
    const others = possible.length - ids.length;
    const left = Math.max(0, 1 - ids.reduce((sum, id) => sum + shaped[id], 0));
    this.rest.textContent = others ? `${others.toLocaleString("en")} more, together ${percent(left)}` : "";
  }

  #fill(row, id, { logProbabilities, shaped, actual }) {
    const symbol = this.alphabet.symbolOf(id);
    const [own, drawn] = [Math.exp(logProbabilities[id]), shaped[id]];
    row.id = id;
    row.symbol.textContent = visible(symbol);
    row.symbol.classList.toggle("word", symbol === "" || row.symbol.textContent.startsWith("U+"));
    row.track.style.setProperty("--own", own);
    row.track.style.setProperty("--drawn", drawn);
    row.share.textContent = percent(drawn);
    row.button.classList.toggle("actual", id === actual);
    const isReshaped = Math.abs(own - drawn) > 0.0005;
    const words = [spoken(symbol), percent(drawn)];
    if (isReshaped) words.push(`${percent(own)} before the settings`);
    if (id === actual) words.push("is in the text");
    row.button.setAttribute("aria-label", words.join(", "));
    row.button.title = isReshaped ? `The model gives it ${percent(own)}; the settings make that ${percent(drawn)}` : "";
  }
}

/** Returns the likeliest of some ids, the lower first in a tie. */
function likeliest(ids, logProbabilities, count) {
  return ids.sort((one, other) => logProbabilities[other] - logProbabilities[one] || one - other).slice(0, count);
}
