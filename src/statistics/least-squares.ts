/** Ordinary least squares with few, well-scaled columns, from the normal equations. */
export interface LeastSquares {
  readonly coefficients: readonly number[];
  readonly rss: number;
  readonly df: number;
  /** Inverse of X'X. */
  readonly inverse: readonly (readonly number[])[];
}

/** `columns[j][i]` = regressor j at observation i. null when the columns are dependent. */
export function leastSquares(columns: readonly (readonly number[])[], y: readonly number[]): LeastSquares | null {
  const p = columns.length;
  const normal = columns.map((a) => columns.map((b) => dot(a, b)));
  const inverse = invertSymmetric(normal);
  if (inverse === null) return null;
  const moments = columns.map((column) => dot(column, y));
  const coefficients = inverse.map((row) => dot(row, moments));
  let rss = 0;
  for (let i = 0; i < y.length; i += 1) {
    let fitted = 0;
    for (let j = 0; j < p; j += 1)
      fitted += (coefficients[j] as number) * ((columns[j] as readonly number[])[i] as number);
    rss += ((y[i] as number) - fitted) ** 2;
  }
  return { coefficients, rss, df: y.length - p, inverse };
}

export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Inverse of a symmetric positive definite matrix; null when a pivot vanishes beside its diagonal. */
export function invertSymmetric(matrix: readonly (readonly number[])[]): number[][] | null {
  const n = matrix.length;
  const work = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let column = 0; column < n; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < n; row += 1) {
      if (Math.abs(at(work, row, column)) > Math.abs(at(work, pivot, column))) pivot = row;
    }
    const size = at(work, pivot, column);
    if (Math.abs(size) <= 1e-13 * Math.abs(matrix[column]?.[column] ?? 0) || size === 0) return null;
    const pivotRow = work[pivot] as number[];
    work[pivot] = work[column] as number[];
    work[column] = pivotRow.map((value) => value / size);
    for (let row = 0; row < n; row += 1) {
      if (row === column) continue;
      const factor = at(work, row, column);
      if (factor === 0) continue;
      work[row] = (work[row] as number[]).map((value, j) => value - factor * at(work, column, j));
    }
  }
  return work.map((row) => row.slice(n));
}

function at(matrix: readonly (readonly number[])[], row: number, column: number): number {
  return (matrix[row] as readonly number[])[column] as number;
}
