// The Transformer of GPT-2: learned positions, layer norms, biases, GELU.

const NORM_EPSILON = 1e-5;

/** A classic GPT. */
class ClassicGPTModel extends Transformer {
  constructor(description, arrays, prefix) {
    super(description);
    const { size, width } = this;
    const { gelu, biases, is_tied: isTied } = description;
    check(["exact", "tanh"].includes(gelu), "its activation is unknown here");
    const matrix = (name, rows, columns) => new Matrix(arrays, `${prefix}${name}.weight`, rows, columns);
    const numbers = (name, length) => checkFinite(arrayOf(arrays, `${prefix}${name}`, ["F32"], [length]), name);
    const linear = (name, rows, columns) => ({
      matrix: matrix(name, rows, columns), bias: biases ? numbers(`${name}.bias`, rows) : null,
    });
    const norm = (name) => ({
      weight: numbers(`${name}.weight`, width), bias: biases ? numbers(`${name}.bias`, width) : null,
    });
    this.idsSeen = 1;
    this.activation = gelu === "exact" ? exactGelu : tanhGelu;
    this.embedding = matrix("embedding", size, width);
    this.positions = matrix("positions", this.blockSize, width);
    this.blocks = Array.from({ length: this.layers }, (_, layer) => ({
      attentionNorm: norm(`blocks.${layer}.attention_norm`),
      attend: linear(`blocks.${layer}.attention.attend`, 3 * width, width),
      project: linear(`blocks.${layer}.attention.project`, width, width),
      mlpNorm: norm(`blocks.${layer}.mlp_norm`),
      expand: linear(`blocks.${layer}.mlp.expand`, 4 * width, width),
      contract: linear(`blocks.${layer}.mlp.project`, width, 4 * width),
    }));
    this.norm = norm("norm");
    this.head = isTied ? this.embedding : matrix("head", size, width);
  }

  /** Returns nothing: there is no prior. */
  counted() {
    return null;
  }

  /** Writes the embedding of the newest id of a window, and of its place. */
  embed({ ids, memory }, vector) {
    vector.fill(0);
    this.embedding.addRow(ids[ids.length - 1], vector);
    this.positions.addRow(memory.length - 1, vector);
  }

  /** Writes the query, key and value of a position. */
  project(layer, vector, projected) {
    const { attentionNorm, attend } = this.blocks[layer];
    layerNorm(attentionNorm, vector, this.normal);
    affine(attend, this.normal, projected, false);
  }

  /** Adds what a position has gathered. */
  gather(layer, gathered, vector) {
    affine(this.blocks[layer].project, gathered, vector, true);
  }

  /** Adds what the MLP makes of a position. */
  think(layer, vector) {
    const { normal, hidden, activation } = this;
    const { mlpNorm, expand, contract } = this.blocks[layer];
    layerNorm(mlpNorm, vector, normal);
    affine(expand, normal, hidden, false);
    for (let place = 0; place < hidden.length; place++) hidden[place] = activation(hidden[place]);
    affine(contract, hidden, vector, true);
  }

  /** Returns the logits after a window, Float64Array(V). */
  logits({ last }) {
    const row = new Float64Array(this.size);
    layerNorm(this.norm, last, this.normal);
    this.head.multiply(this.normal, row);
    return row;
  }
}

function affine({ matrix, bias }, vector, result, adds) {
  matrix.multiply(vector, result, { adds });
  if (bias !== null) for (let row = 0; row < bias.length; row++) result[row] += bias[row];
}

/** Writes a vector with mean 0 and variance 1, times weights, plus biases (Ba et al., 2016). */
function layerNorm({ weight, bias }, vector, result) {
  let mean = 0;
  for (let place = 0; place < vector.length; place++) mean += vector[place] / vector.length;
  let variance = 0;
  for (let place = 0; place < vector.length; place++) variance += (vector[place] - mean) ** 2 / vector.length;
  const scale = 1 / Math.sqrt(variance + NORM_EPSILON);
  for (let place = 0; place < vector.length; place++) {
    result[place] = (vector[place] - mean) * scale * weight[place] + (bias === null ? 0 : bias[place]);
  }
}

function tanhGelu(x) {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Returns x times the share of a normal distribution below x, up to 2e-7 (Abramowitz and Stegun, 1964, 7.1.26). */
function exactGelu(x) {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const erf = 1 - series * Math.exp(-z * z);
  return 0.5 * x * (1 + Math.sign(x) * erf);
}
