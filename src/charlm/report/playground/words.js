"use strict";
// What the page says about a text and about the model.

const quoted = (text) => `“${Array.from(text, visible).join("")}”`;
const ordinal = (rank) => `${rank}${["th", "st", "nd", "rd"][rank % 100 > 10 && rank % 100 < 14 ? 0 : rank % 10] ?? "th"}`;

/** Returns how many there are of something: "1 symbol", "2 symbols". */
const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** Returns a share in percent, as short as it can be told. */
function percent(share) {
  if (share === 0 || share === 1) return `${100 * share}%`;
  if (share < 0.0005) return "<0.1%";
  if (share >= 0.9995) return ">99.9%";
  return `${(100 * share).toFixed(share < 0.0995 || share > 0.995 ? 1 : 0)}%`;
}

/** Says something to screen readers alone. */
function say(what) {
  byId("said").textContent = what;
}

/** Returns how surprising a text is on the whole. */
function figures({ cells, read, endBits, isRead }) {
  if (!cells.length) return "";
  const known = cells.slice(0, read).map((cell) => cell.bits).filter((bits) => bits !== null);
  const all = endBits === null ? known : [...known, endBits];
  const mean = all.reduce((sum, bits) => sum + bits, 0) / Math.max(1, all.length);
  const unread = isRead ? "" : `, ${(cells.length - read).toLocaleString("en")} still to be read`;
  const end = endBits === null ? "" : " and the end";
  const surprise = mean === Infinity ? "Impossible for this model" : `${mean.toFixed(2)} bits per character`;
  return `${surprise}, ${counted(cells.length, "character")}${end}${unread}`;
}

/** Returns where in the text the bars are. */
function where(cells, place) {
  const before = cells.slice(Math.max(0, place - 12), place).map((cell) => cell.text).join("");
  if (place === 0) return "At the beginning";
  return `After ${quoted(before).replace("“", place > 12 ? "“…" : "“")}`;
}

/** Returns what is to be said about a character, or about the end of the text. */
function told({ cells, alphabet }, place, state) {
  if (place < cells.length) {
    const { text, bits, probability, rank } = cells[place];
    if (bits === undefined) return "";
    if (bits === null) return `${quoted(text)} (${codeOf(text)}): the model does not know this character and skips it.`;
    if (bits === Infinity) return `${quoted(text)}: impossible here.`;
    const isUnknown = cells[place].id === alphabet.specials.unk;
    const choice = isUnknown ? "one of the characters that the model does not know" : rank === 1 ? "the most likely character here" : `the ${ordinal(rank)} most likely here`;
    return `${quoted(text)}: ${percent(probability)}, ${bits.toFixed(2)} bits, ${choice}.`;
  }
  const shares = Array.from(state.logProbabilities, Math.exp).filter((share) => share > 0);
  const entropy = -shares.reduce((sum, share) => sum + share * Math.log2(share), 0);
  return `Next: as uncertain as a choice among ${(2 ** entropy).toFixed(1)} equally likely characters (${entropy.toFixed(2)} bits).`;
}

/** Fills in what the page says about the model. */
function describe({ family, ofRecords, summary }, alphabet) {
  const names = {
    bigram: "A bigram model", ngram: "An n-gram model", gpt: "A Transformer", "classic-gpt": "A Transformer", mixture: "A mixture",
  };
  const { order, layers, heads, ngrams, parameters } = summary;
  const facts = [`${names[family] ?? `A model of the family ${family}`} of ${ofRecords ? "records" : "text"}`];
  if (layers) facts.push(`${counted(layers, "layer")} of ${counted(heads, "head")}`);
  if (ngrams && layers) facts.push(`${counted(ngrams, "n-gram")} of up to ${counted(order, "character")} alongside`);
  else if (ngrams) facts.push(`${counted(ngrams, "n-gram")} of up to ${counted(order, "character")}`);
  else if (parameters) facts.push(counted(parameters, "parameter"));
  facts.push(counted(alphabet.ofSymbol.size, "symbol"));
  const loss = summary.validationLoss;
  if (typeof loss === "number") facts.push(`${(loss / Math.LN2).toFixed(2)} bits per character on held-out text`);
  byId("lead").textContent = `${facts.join(", ")}. It runs in this page; what you type stays here.`;
}

/** Says which hidden characters the stand-ins in the text box are. */
function tellSigns(alphabet) {
  const signs = Array.from(alphabet.standIn, ([hidden, sign]) => `${sign} is ${isHidden(hidden) ? codeOf(hidden) : hidden}`);
  byId("signs").hidden = false;
  byId("signs").textContent = `Invisible characters: ${signs.join(", ")}.`;
}
