// Matrices with a byte for each weight and a scale for each row, and what goes on between their products.

/** A matrix of whole numbers, each row of which has a scale. */
class Matrix {
  constructor(arrays, name, rows, columns, dtype = "I8") {
    this.rows = rows;
    this.columns = columns;
    this.codes = arrayOf(arrays, name, [dtype], [rows, columns]);
    this.scales = checkFinite(arrayOf(arrays, `${name}.scales`, ["F32"], [rows]), name);
    this.sums = new Float64Array(rows + 3); // with fewer than four rows, some beyond the last have a sum
  }

  /** Writes the product with a vector to another, from a place on; `adds` adds it to what is there. */
  multiply(vector, result, { start = 0, adds = false } = {}) {
    const { rows, scales } = this;
    for (let row = 0; row < rows; row += 4) this.#multiplyFour(Math.max(0, Math.min(row, rows - 4)), vector);
    for (let row = 0; row < rows; row++) {
      const product = this.sums[row] * scales[row];
      result[start + row] = adds ? result[start + row] + product : product;
    }
  }

  /** Fills in the sums of four rows at once: each number of the vector is read once. */
  #multiplyFour(row, vector) {
    const { columns, codes, sums } = this;
    const first = row * columns;
    const [second, third, fourth] = [first + columns, first + 2 * columns, first + 3 * columns];
    let [one, two, three, four] = [0, 0, 0, 0];
    for (let column = 0; column < columns; column++) {
      const number = vector[column];
      one += codes[first + column] * number;
      two += codes[second + column] * number;
      three += codes[third + column] * number;
      four += codes[fourth + column] * number;
    }
    sums[row] = one;
    sums[row + 1] = two;
    sums[row + 2] = three;
    sums[row + 3] = four;
  }

  /** Adds a row to a vector. */
  addRow(row, vector) {
    const { columns, codes, scales } = this;
    for (let column = 0, place = row * columns; column < columns; column++, place++) {
      vector[column] += codes[place] * scales[row];
    }
  }
}

/** Adds the product of a small matrix of floating-point numbers and a vector to another vector. */
function addProduct(weights, vector, result) {
  for (let row = 0, place = 0; row < result.length; row++) {
    for (let column = 0; column < vector.length; column++, place++) result[row] += weights[place] * vector[column];
  }
}

/** Writes some consecutive numbers divided by their root mean square to a vector (Zhang and Sennrich, 2019). */
function scaleToOne(vector, result, start = 0, stop = vector.length) {
  let squares = 0;
  for (let place = start; place < stop; place++) squares += vector[place] * vector[place];
  const scale = 1 / Math.sqrt(squares / (stop - start) + 2 ** -23);
  for (let place = start; place < stop; place++) result[place] = vector[place] * scale;
}
