// Reading: from a string or bytes to checked arrays. Nothing of a model is trusted before its SHA-256 has been checked,
// and nothing is counted on that has not been checked after it: a hash that is right may still be a stranger's.

/** What is wrong with a model, a text or a setting; the message is a sentence for people. */
class CharlmError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = "charlm.Error";
  }
}

const MAGIC = "charlmjs";
const VERSION = 1;
const HASH_BYTES = 32;
const LARGEST_MODEL = 2 ** 30; // bytes; a small file could unzip to more than there is memory
const LONGEST_HEADER = 2 ** 25;
const ARRAY_TYPES = {
  U8: Uint8Array, I8: Int8Array, U16: Uint16Array, I16: Int16Array, U32: Uint32Array, F32: Float32Array,
  F64: Float64Array,
};

/** Throws an error that says why these bytes are no model, unless a condition holds. */
function check(condition, reason) {
  if (!condition) throw new CharlmError(`This is not a model that can be read: ${reason}.`);
}

/** Throws an error with a message unless a condition holds. */
function checkValue(condition, message) {
  if (!condition) throw new CharlmError(message);
}

/** Throws an error that says what an argument must be, and what it is, unless it is valid. */
function checkArgument(name, value, isValid, expected) {
  checkValue(isValid, `${name} must be ${expected}, got ${shownValue(value)}.`);
}

/** Returns a value in a few words. */
function shownValue(value) {
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}

/** Returns whether a value is an integer from 0 on and below a limit. */
function isCount(value, limit = 2 ** 48) {
  return Number.isInteger(value) && value >= 0 && value < limit;
}

/** Returns the description and the arrays, a Map by name, in the bytes or the base64 of a model. */
async function readModel(source) {
  const bytes = await unzipped(typeof source === "string" ? fromBase64(source) : source);
  check(bytes instanceof Uint8Array, "it is neither a Uint8Array nor a base64 string");
  const start = MAGIC.length + HASH_BYTES;
  check(bytes.length > start + 8, "it is truncated");
  check(String.fromCharCode(...bytes.subarray(0, MAGIC.length)) === MAGIC, "it does not begin as one");
  const body = bytes.subarray(start);
  const hash = sha256(body);
  check(hash.every((byte, place) => byte === bytes[MAGIC.length + place]), "it is damaged, its SHA-256 does not match");
  const { metadata, arrays } = parsedTensors(body);
  const description = parsedJson(metadata.charlm);
  check(Number.isInteger(description.version) && description.version > 0, "it has no version");
  if (description.version > VERSION) {
    throw new CharlmError(
      `This model is of version ${description.version}, and this runtime reads up to ${VERSION}: export it again.`,
    );
  }
  return { description, arrays };
}

function fromBase64(text) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    check(false, "its base64 is damaged");
  }
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < bytes.length; place++) bytes[place] = binary.charCodeAt(place);
  return bytes;
}

/** Returns what gzip has packed, and other bytes as they are. */
async function unzipped(bytes) {
  if (!(bytes instanceof Uint8Array) || bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  if (typeof DecompressionStream === "undefined") {
    throw new CharlmError("This browser cannot open the model, as it lacks DecompressionStream: use a newer one.");
  }
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const pieces = [];
  let size = 0;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      pieces.push(piece.value);
      size += piece.value.length;
      if (size > LARGEST_MODEL) break;
    }
  } catch {
    check(false, "it is damaged or truncated");
  }
  check(size <= LARGEST_MODEL, "it unzips to more than a gigabyte");
  const whole = new Uint8Array(size);
  let end = 0;
  for (const piece of pieces) {
    whole.set(piece, end);
    end += piece.length;
  }
  return whole;
}

function parsedJson(text) {
  let content = null;
  try {
    content = JSON.parse(text);
  } catch {
    check(false, "its description is not JSON");
  }
  check(isObject(content), "its description is not a JSON object");
  return content;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns the metadata and the arrays of a safetensors file. */
function parsedTensors(bytes) {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  check(length <= Math.min(bytes.length - 8, LONGEST_HEADER), "it is truncated");
  const header = parsedJson(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const metadata = header.__metadata__;
  check(isObject(metadata) && typeof metadata.charlm === "string", "it has no description");
  const places = Object.entries(header).filter(([name]) => name !== "__metadata__");
  for (const [name, entry] of places) checkPlace(name, entry);
  places.sort(([, one], [, other]) => one.data_offsets[0] - other.data_offsets[0]
    || one.data_offsets[1] - other.data_offsets[1]);
  const arrays = new Map();
  let end = 0;
  for (const [name, { dtype, shape, data_offsets: [start, stop] }] of places) {
    check(start === end, `array ${name.slice(0, 80)} does not begin where the one before it ends`);
    end = stop;
    check(8 + length + stop <= bytes.length, "it is truncated");
    const Type = ARRAY_TYPES[dtype];
    const data = new Type(bytes.slice(8 + length + start, 8 + length + stop).buffer);
    arrays.set(name, Object.assign(data, { shape }));
  }
  check(8 + length + end === bytes.length, "there is more in it than its arrays");
  return { metadata, arrays };
}

function checkPlace(name, entry) {
  const what = `array ${name.slice(0, 80)}`;
  check(isObject(entry) && Object.hasOwn(ARRAY_TYPES, entry.dtype), `${what} is of no type that models have`);
  for (const numbers of [entry.shape, entry.data_offsets]) {
    check(Array.isArray(numbers) && numbers.length <= 8 && numbers.every((each) => isCount(each)),
      `${what} has no valid shape or place`);
  }
  const [start, stop, ...more] = entry.data_offsets;
  const size = entry.shape.reduce((product, each) => product * each, ARRAY_TYPES[entry.dtype].BYTES_PER_ELEMENT);
  check(more.length === 0 && stop - start === size, `${what} is not as long as its shape says`);
}

/** Returns an array of a model, checked to be of one of some types and of a shape, in which null is any length. */
function arrayOf(arrays, name, dtypes, shape) {
  const array = arrays.get(name);
  check(array !== undefined, `it lacks the array ${name}`);
  check(dtypes.some((dtype) => array instanceof ARRAY_TYPES[dtype]), `array ${name} is of the wrong type`);
  check(
    array.shape.length === shape.length && shape.every((size, place) => size === null || size === array.shape[place]),
    `array ${name} must have the shape ${shape}, and has ${array.shape}`,
  );
  return array;
}

/** Checks that all numbers of an array are finite; minus infinity may be allowed. */
function checkFinite(array, name, { logarithms = false } = {}) {
  for (let place = 0; place < array.length; place++) {
    if (!Number.isFinite(array[place]) && !(logarithms && array[place] === -Infinity)) {
      check(false, `array ${name} has a number that is not finite`);
    }
  }
  return array;
}
