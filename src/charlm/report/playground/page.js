"use strict";
// The page: what happens in it, and what it then shows.

const SLICE = 10; // milliseconds of reading at one go, between which the page answers
const FULL = "The page takes no more text.";
const TOO_LONG = `This page reads ${MOST_CHARACTERS.toLocaleString("en")} characters at most: the rest was cut off`;
const FIRST_LENGTH = 160; // symbols of a text that the model makes up for a start,
const FIRST_AT_ONCE = 4; // and how many of them at each frame

const pause = () => new Promise((resolve) => setTimeout(resolve));

/** The text, what is shown of it, and what the buttons do. */
class Page {
  constructor(model, settings) {
    this.model = model;
    this.alphabet = new Alphabet(model);
    this.transcript = new Transcript(model, this.alphabet);
    this.history = new History("");
    this.pointed = null;
    this.streaming = 0; // of the stream that runs, its number; 0 if none does
    this.streams = 0;
    this.signs = 0; // how many stand-ins have been told
    const [temperature, topK, topP, seed] = ["temperature", "top-k", "top-p", "seed"].map(byId);
    this.sampling = new Sampling({ temperature, topK, topP, seed }, byId("seed-number"), model.size, () => this.show());
    this.editor = new Editor({ box: byId("text"), sheet: byId("sheet"), paper: byId("paper") }, this.alphabet, {
      typed: (text, how, isComposing) => this.typed(text, how, isComposing),
      moved: (place) => {
        this.history.moved(this.editor.caret);
        if (place !== this.shown) this.show();
      },
      pointed: (place) => this.point(place),
    });
    this.bars = new Bars({ list: byId("bars"), rest: byId("rest") }, this.alphabet, (id) => this.choose(id));
    this.sight = new Sight(model, this.editor, this.alphabet);
    this.#listen();
    if (model.ofRecords) this.#offerRecords(settings);
  }

  #listen() {
    const actions = {
      generate: () => this.toggle(),
      one: () => this.drawOne(),
      back: () => this.travel(-1),
      forward: () => this.travel(1),
      copy: () => this.copy(),
      clear: () => this.become("", "Cleared"),
      "new-seed": () => this.reseed(),
    };
    for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
    byId("text").addEventListener("keydown", (event) => this.#pressed(event));
    byId("text").addEventListener("beforeinput", (event) => {
      const steps = { historyUndo: -1, historyRedo: 1 }[event.inputType];
      if (steps === undefined) return;
      event.preventDefault();
      this.travel(steps);
    });
  }

  #pressed(event) {
    if (event.isComposing || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    const action = { enter: () => this.toggle(), y: () => this.travel(1), z: () => this.travel(event.shiftKey ? 1 : -1) }[key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  #offerRecords({ least: fewest, most: longest }) {
    byId("make").hidden = false;
    byId("least").value = fewest;
    byId("most").value = longest;
    this.sampling.beMild();
    byId("paper").classList.add("of-records");
    document.querySelector("label[for=text]").textContent = "Type one";
    const [form, prefix, least, most, list, told] = ["make-form", "prefix", "least", "most", "made", "made-told"].map(byId);
    this.maker = new RecordMaker({ form, prefix, least, most, list, told }, this, {
      opened: (record) => {
        this.become(record, "Opened");
        byId("text").focus();
      },
      said: say,
    });
  }

  /** Takes what was typed; what is too long is cut once it is composed. */
  typed(text, how, isComposing = false) {
    this.stop();
    const { caret } = this.editor;
    const taken = isComposing ? text : readable(text);
    if (taken !== text) this.editor.write(taken, caret);
    this.history.keep(taken, caret, how === "insertText" || how === "insertCompositionText");
    this.#take(taken);
    if (taken !== text) this.#tell(TOO_LONG);
  }

  /** Shows another text, which stepping back undoes. */
  become(text, what) {
    this.stop();
    this.history.moved(this.editor.caret);
    this.editor.write(text);
    this.history.keep(text, this.editor.caret);
    this.#take(text);
    say(what);
  }

  /** Goes to the version of the text before this one, or after. */
  travel(steps) {
    this.stop();
    if (steps < 0 ? !this.history.canGoBack : !this.history.canGoForward) return;
    const { text, caret } = this.history.go(steps);
    this.editor.write(text, caret);
    this.#take(text);
    say(steps < 0 ? "Stepped back" : "Stepped forward");
  }

  #take(text) {
    const change = this.transcript.update(text);
    this.editor.replace(change, this.transcript.cells);
    if (this.signs !== this.alphabet.standIn.size) tellSigns(this.alphabet);
    this.signs = this.alphabet.standIn.size;
    this.pointed = null;
    this.read();
  }

  /** Reads on, for a slice of time at once, and shows what is new. */
  read() {
    const { transcript } = this;
    const from = transcript.read;
    const isRead = transcript.readUntil(performance.now() + SLICE);
    this.editor.color(transcript.cells, from, transcript.read);
    this.show();
    if (isRead || this.isWaiting) return;
    this.isWaiting = true;
    setTimeout(() => {
      this.isWaiting = false;
      this.read();
    });
  }

  /** Shows what there is to see at the caret. */
  show() {
    const { transcript, editor } = this;
    const { cells } = transcript;
    const { place } = editor;
    const state = transcript.stateAt(place);
    this.shown = place;
    byId("back").disabled = !this.history.canGoBack;
    byId("forward").disabled = !this.history.canGoForward;
    byId("figures").textContent = figures(transcript);
    byId("where").textContent = where(cells, place);
    if (state !== undefined) this.bars.show(state, this.sampling.shaped(state.logProbabilities), cells[place]?.id);
    editor.colorEnd(transcript.endBits);
    this.look();
  }

  /** Shows what the model sees at the caret, or under the mouse. */
  look() {
    const { transcript } = this;
    const place = Math.min(this.pointed ?? this.editor.place, transcript.cells.length);
    const state = transcript.stateAt(place);
    if (state === undefined) return;
    byId("told").textContent = told(transcript, place, state);
    const atEnd = transcript.isRead ? transcript.stateAt(transcript.cells.length) : undefined;
    this.sight.show(state, place, transcript.cells, atEnd);
  }

  point(place) {
    if (place === this.pointed || this.streaming) return;
    this.pointed = place;
    this.look();
  }

  /** Continues at the caret with a symbol; what was after it goes, and stepping back brings it back. */
  choose(id) {
    const before = this.transcript.cells.slice(0, this.editor.place).map((cell) => cell.text).join("");
    const symbol = this.alphabet.symbolOf(id);
    const text = before + symbol;
    if (readable(text) !== text) this.#tell(FULL);
    else this.become(text, symbol === "" ? "The text ends here" : `Continued with ${spoken(symbol)}`);
  }

  /** Draws one more symbol; returns null, or why there is none. */
  #grow() {
    const { transcript, sampling } = this;
    if (!transcript.readUntil(performance.now() + SLICE)) return null; // once all is read
    const { cells } = transcript;
    const shaped = sampling.shaped(transcript.stateAt(cells.length).logProbabilities);
    const symbol = shaped && this.alphabet.symbolOf(charlm.draw(shaped, sampling.point(cells.length)));
    if (!symbol) return `With seed ${sampling.seed} the model ends here: choose another seed, or keep typing.`;
    const text = transcript.text + symbol;
    if (readable(text) !== text) return FULL;
    this.editor.append(symbol);
    this.#take(text);
    this.editor.follow();
    return null;
  }

  drawOne() {
    this.stop();
    const end = this.#grow();
    this.#keep();
    if (end !== null) this.#tell(end);
  }

  #keep() {
    this.history.keep(this.transcript.text, this.editor.caret);
    this.show();
  }

  #tell(what) {
    byId("told").textContent = what;
    say(what);
  }

  /** Starts a stream of text, or stops the one that runs. */
  toggle() {
    if (this.streaming) {
      this.stop();
      say("Stopped");
    } else this.#stream();
  }

  /** Draws symbols at each frame, until there are enough, the model ends, or someone stops it. */
  #stream(most = MOST_CHARACTERS, atOnce = 1) {
    const own = ++this.streams;
    const { length } = this.transcript.cells;
    this.streaming = own;
    this.#nameGenerate();
    const next = () => {
      if (this.streaming !== own) return;
      let end = this.transcript.cells.length < most ? null : FULL;
      for (let drawn = 0; drawn < atOnce && end === null; drawn += 1) end = this.#grow();
      if (end === null) {
        requestAnimationFrame(next);
        return;
      }
      this.stop();
      if (most === MOST_CHARACTERS && (this.transcript.cells.length === length || !this.model.ofRecords)) this.#tell(end);
    };
    next();
  }

  stop() {
    if (!this.streaming) return;
    this.streaming = 0;
    this.#nameGenerate();
    this.#keep();
  }

  #nameGenerate() {
    byId("generate").textContent = this.streaming ? "Stop" : "Generate";
    byId("generate").classList.toggle("running", Boolean(this.streaming));
  }

  reseed() {
    this.sampling.seed = Math.floor(Math.random() * (Number(byId("seed").max) + 1));
    say(`Seed ${this.sampling.seed}`);
  }

  async copy() {
    const { text } = this.transcript;
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      byId("text").select();
      say(document.execCommand("copy") ? "Copied" : "Select the text and copy it");
    }
    byId("copy").textContent = "Copied";
    setTimeout(() => (byId("copy").textContent = "Copy"), 1500);
  }

  /** Starts with a text, or with one that the model makes up: of records, the first of those that it makes. */
  begin(text) {
    this.#open(text);
    const isFree = () => text === "" && this.transcript.text === "";
    if (this.maker) this.maker.make((record) => isFree() && this.#open(record));
    else if (text === "") this.#stream(FIRST_LENGTH, FIRST_AT_ONCE);
  }

  #open(text) {
    this.history = new History(text);
    this.editor.write(text);
    this.#take(text);
  }
}

/** Leaves out the heading, and tells the page around this one how high this one is: {charlmHeight: pixels}. */
function fitFrame() {
  const page = document.documentElement;
  page.classList.add("compact");
  const tell = () => parent.postMessage({ charlmHeight: Math.ceil(page.getBoundingClientRect().height) }, "*");
  new ResizeObserver(tell).observe(page);
}

/** Unpacks the model and starts the page, or says why it cannot. */
async function start() {
  if (!("DecompressionStream" in window)) {
    playground.refuse(playground.tooOld);
    return;
  }
  try {
    const model = await charlm.load(byId("charlm-model").textContent.trim());
    const settings = JSON.parse(byId("charlm-settings").textContent);
    const page = new Page(model, settings);
    describe(model, page.alphabet);
    if (location.hash === "#compact") fitFrame();
    byId("main").hidden = false;
    page.begin(settings.text);
    playground.isStarted = true;
  } catch (error) {
    byId("main").hidden = true;
    const isDamaged = error instanceof charlm.Error;
    playground.refuse(isDamaged ? `${error.message} Make the page again with charlm play.` : `Something went wrong: ${error.message}.`);
  }
}

start();
