"use strict";
// Makes up records, such as names: whole ones, with a beginning and a length that the visitor chooses.

const AT_ONCE = 10;
const MOST_TRIES = 3000;
const MOST_LENGTH = 200;

/** The form and the list of what was made; `opened` is called with a record that is chosen, `said` with what happened. */
class RecordMaker {
  constructor({ form, prefix, least, most, list, told }, { model, alphabet, sampling }, { opened, said }) {
    Object.assign(this, { prefix, least, most, list, told, model, alphabet, sampling, opened, said });
    this.run = 0;
    this.madeWith = null; // what was asked for the last time
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.make();
    });
  }

  /**
   * Makes records with the seed; asked for the same again, it advances the seed, so that these differ. `found` is
   * called with each.
   */
  async make(found = () => {}) {
    const run = ++this.run;
    const asked = this.#asked();
    if (asked === null) return;
    if (this.#asking(asked) === this.madeWith) this.sampling.seed += 1;
    this.madeWith = this.#asking(asked);
    const { seed } = this.sampling;
    const random = charlm.random(seed);
    const made = new Set();
    this.list.replaceChildren();
    let deadline = performance.now() + SLICE;
    for (let tries = 0; made.size < AT_ONCE && tries < MOST_TRIES; tries += 1) {
      const record = this.#drawn(asked, random);
      if (record !== null && !made.has(record)) {
        made.add(record);
        this.list.append(this.#shown(record));
        found(record);
      }
      if (performance.now() < deadline) continue;
      await pause();
      if (run !== this.run) return;
      deadline = performance.now() + SLICE;
    }
    this.#tell(made.size, seed);
  }

  /** Returns what the records depend on. */
  #asking({ prefix, least, most }) {
    return JSON.stringify([prefix, least, most, this.sampling.settings, this.sampling.seed]);
  }

  #tell(count, seed) {
    this.told.textContent = count === AT_ONCE ? `Made with seed ${seed}. Choose one to explore it.` : `Found ${count}. ${this.#whyFew()}`;
    this.said(`${count} made`);
  }

  #whyFew() {
    const { restrictions } = this.sampling;
    const other = "ask for another beginning or length";
    if (!restrictions.length) return `The model finds such records too unlikely: ${other}, or raise the temperature.`;
    const settings = restrictions.join(" and ");
    return `With ${settings} the model makes no others: raise ${restrictions.length === 1 ? "it" : "them"}, or ${other}.`;
  }

  /** Returns what was asked for, or null after saying what is wrong with it. */
  #asked() {
    const prefix = this.prefix.value;
    const [least, most] = [Number(this.least.value), Number(this.most.value)];
    const symbols = this.alphabet.split(prefix);
    const unknown = symbols.find(({ id }) => id === null || id === this.alphabet.specials.unk);
    const start = lengthOf(prefix);
    let wrong = null;
    if (unknown !== undefined) wrong = `The model does not know ${quoted(unknown.text)}: begin with something else.`;
    else if (!(Number.isInteger(least) && Number.isInteger(most) && least >= 1 && most <= MOST_LENGTH)) {
      wrong = `A length is a whole number from 1 to ${MOST_LENGTH}.`;
    } else if (Math.max(start, least) > most) {
      wrong = `At most ${counted(most, "character")} is too short: make it ${Math.max(start, least)} or more.`;
    }
    if (wrong !== null) {
      this.told.textContent = wrong;
      this.said(wrong);
      return null;
    }
    const state = symbols.reduce((before, { id }) => before.step(id), this.model.start());
    return { prefix, least, most, start, state };
  }

  /** Returns one record; null where it became too long, or can only end too soon. */
  #drawn({ prefix, least, most, start, state }, random) {
    const { eos } = this.alphabet.specials;
    let [text, length] = [prefix, start];
    while (length <= most) {
      const shaped = this.sampling.shaped(state.logProbabilities, length < least ? [eos] : []);
      if (shaped === null) return null;
      const id = charlm.draw(shaped, random());
      if (id === eos) return text;
      const symbol = this.alphabet.symbolOf(id);
      text += symbol;
      length += lengthOf(symbol);
      state = state.step(id);
    }
    return null;
  }

  #shown(record) {
    const transcript = new Transcript(this.model, this.alphabet);
    transcript.update(record);
    transcript.readUntil(Infinity);
    const item = document.createElement("li");
    const button = item.appendChild(element("button", "made"));
    button.type = "button";
    const name = button.appendChild(element("span", "name"));
    for (const { text, bits } of transcript.cells) {
      const cell = name.appendChild(element("span", "", isHidden(text) ? visible(text) : text));
      cell.style.setProperty("--surprise", strength(bits).toFixed(3));
    }
    const total = transcript.cells.reduce((sum, { bits }) => sum + bits, transcript.endBits);
    button.append(element("span", "bits", `${total.toFixed(1)} bits`));
    button.addEventListener("click", () => this.opened(record));
    return item;
  }
}
