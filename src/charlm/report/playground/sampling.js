"use strict";
// How the next symbol is drawn: the sliders, and the random numbers that a seed gives.
//
// The random number for a symbol depends on the seed and on how many symbols precede it, and on nothing else: the same
// seed continues the same text in the same way, whether at one go, symbol by symbol, or after stepping back.

const MILD_TOP_P = 0.9;
const TOP_K = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100, 200, 500, 1000, 2000, 5000];

/**
 * The sliders by name, each beside an <output> that says its value, or for the seed a field in which it can be typed;
 * `changed` is called after each move.
 */
class Sampling {
  constructor(fields, seedNumber, size, changed) {
    Object.assign(this, { fields, seedNumber });
    this.topKs = [...TOP_K.filter((k) => k < size), null];
    fields.topK.max = this.topKs.length - 1;
    fields.topK.value = this.topKs.length - 1;
    this.points = { seed: null, random: null, drawn: [] };
    for (const field of Object.values(fields)) {
      field.addEventListener("input", () => {
        this.tell();
        changed();
      });
    }
    seedNumber.addEventListener("input", () => {
      if (seedNumber.value !== "" && seedNumber.validity.valid) this.seed = seedNumber.valueAsNumber;
    });
    seedNumber.addEventListener("change", () => this.tell());
    this.tell();
  }

  get settings() {
    const { temperature, topK, topP } = this.fields;
    return {
      temperature: Number(temperature.value),
      topK: this.topKs[Number(topK.value)],
      topP: Number(topP.value) < 1 ? Number(topP.value) : null,
    };
  }

  get seed() {
    return Number(this.fields.seed.value);
  }

  set seed(seed) {
    this.fields.seed.value = seed % (Number(this.fields.seed.max) + 1);
    this.tell();
  }

  /** The settings that leave out what is unlikely, or make it rarer, in words. */
  get restrictions() {
    const { temperature, topK, topP } = this.settings;
    const found = [];
    if (topP !== null) found.push(`top-p ${topP.toFixed(2)}`);
    if (topK !== null) found.push(`top-k ${topK}`);
    if (temperature < 1) found.push(`temperature ${temperature.toFixed(2)}`);
    return found;
  }

  /** Leaves out the least likely, as is best for records: a wrong letter spoils a word. */
  beMild() {
    this.fields.topP.value = MILD_TOP_P;
    this.tell();
  }

  /** Says the value of each slider, in words where a number would mislead. */
  tell() {
    const { temperature, topK, topP } = this.settings;
    const words = {
      temperature: temperature === 0 ? "0, always the likeliest" : temperature.toFixed(2),
      topK: topK === null ? "all" : String(topK),
      topP: topP === null ? "all" : topP.toFixed(2),
      seed: String(this.seed),
    };
    for (const [name, field] of Object.entries(this.fields)) {
      if (name !== "seed") field.parentElement.querySelector("output").value = words[name];
      field.setAttribute("aria-valuetext", words[name]);
      field.style.setProperty("--filled", `${(100 * (field.value - field.min)) / (field.max - field.min)}%`);
    }
    if (this.seedNumber.valueAsNumber !== this.seed) this.seedNumber.value = words.seed;
  }

  /** The probabilities of all ids under the settings; those of `never` cannot come. Null where nothing else can. */
  shaped(logProbabilities, never = []) {
    let kept = logProbabilities;
    if (never.length) {
      kept = Float64Array.from(logProbabilities);
      for (const id of never) kept[id] = -Infinity;
    }
    if (!kept.some((each) => each > -Infinity)) return null;
    return charlm.probabilities(kept, this.settings);
  }

  /** The random number for the symbol at a place. */
  point(place) {
    if (this.points.seed !== this.seed) this.points = { seed: this.seed, random: charlm.random(this.seed), drawn: [] };
    const { random, drawn } = this.points;
    while (drawn.length <= place) drawn.push(random());
    return drawn[place];
  }
}
