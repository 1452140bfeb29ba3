// Distributions: logits and logarithms of probabilities, and what sampling settings make of them.

/** Turns logits into natural logs of probabilities, in place; returns them. NaN if nothing is possible. */
function normalized(row) {
  let highest = -Infinity;
  for (let id = 0; id < row.length; id++) if (row[id] > highest) highest = row[id];
  let sum = 0;
  for (let id = 0; id < row.length; id++) sum += Math.exp(row[id] - highest);
  const total = highest + Math.log(sum);
  for (let id = 0; id < row.length; id++) row[id] -= total;
  return row;
}

/** Returns the ids of a row, the likeliest first, the lower first in a tie. */
function likeliestFirst(row) {
  return Array.from(row.keys()).sort((one, other) => row[other] - row[one] || one - other);
}

/**
 * Returns the probabilities with which ids are drawn, Float64Array(V), as charlm's SamplingSettings shape them:
 * temperature, then the topK likeliest, then the smallest set of the likeliest whose probabilities add up to topP.
 */
function probabilities(logProbabilities, settings = {}) {
  const { temperature, topK, topP } = checkedSettings(settings);
  checkNumbers("logProbabilities", logProbabilities);
  const row = Float64Array.from(logProbabilities);
  checkValue(row.some((each) => each > -Infinity), "Nothing can come next: each probability is 0.");
  const kept = temperature === 0 ? 1 : topK;
  if (temperature > 0 && temperature !== 1) {
    const highest = row.reduce((one, other) => Math.max(one, other), -Infinity);
    for (let id = 0; id < row.length; id++) row[id] = (row[id] - highest) / Math.max(temperature, 1e-300);
  }
  if (kept !== null) for (const id of likeliestFirst(row).slice(kept)) row[id] = -Infinity;
  if (topP !== null && topP < 1) keepTopP(row, topP);
  return normalized(row).map((each) => Math.exp(each));
}

function keepTopP(row, topP) {
  const shares = normalized(Float64Array.from(row));
  let reached = 0;
  for (const id of likeliestFirst(row)) {
    if (reached >= topP) row[id] = -Infinity;
    reached += Math.exp(shares[id]);
  }
}

function checkedSettings(settings) {
  checkArgument("settings", settings, isObject(settings), "an object");
  const { temperature = 1, topK = null, topP = null, ...others } = settings;
  const [unknown] = Object.keys(others);
  checkValue(unknown === undefined, `A setting is temperature, topK or topP, got ${unknown}.`);
  checkArgument("temperature", temperature, Number.isFinite(temperature) && temperature >= 0, "0 or more");
  checkArgument("topK", topK, topK === null || (Number.isInteger(topK) && topK > 0), "a whole number from 1 on");
  const isShare = Number.isFinite(topP) && topP > 0 && topP <= 1;
  checkArgument("topP", topP, topP === null || isShare, "above 0 and at most 1");
  return { temperature, topK, topP };
}

function checkNumbers(name, row) {
  const isValid = (Array.isArray(row) || ArrayBuffer.isView(row)) && row.length > 0
    && row.every((each) => typeof each === "number");
  checkArgument(name, row, isValid, "an array of numbers");
}

/** Returns a function that draws numbers from [0, 1), the same for the same seed everywhere (SplitMix32). */
function random(seed) {
  checkArgument("seed", seed, Number.isInteger(seed), "a whole number");
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Returns the id that a number from [0, 1) draws: the first at which the sum of the probabilities is above it. */
function draw(probabilitiesOfIds, number) {
  checkNumbers("probabilities", probabilitiesOfIds);
  checkArgument("number", number, Number.isFinite(number) && number >= 0 && number < 1, "from 0 on and below 1");
  let sum = 0;
  let last = null;
  for (let id = 0; id < probabilitiesOfIds.length; id++) {
    if (!(probabilitiesOfIds[id] > 0)) continue;
    sum += probabilitiesOfIds[id];
    last = id;
    if (number < sum) return id;
  }
  checkValue(last !== null, "Nothing can be drawn: no probability is above 0.");
  return last;
}
