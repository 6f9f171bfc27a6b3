/** A number format of GGUF: blocks of so many numbers in so many bytes. */
interface GgufFormat {
  readonly name: string;
  readonly numbers: number;
  readonly bytes: number;
}

/** The formats that the trainer reads, by their numbers in the file. */
export const GGUF_FORMATS: ReadonlyMap<number, GgufFormat> = new Map([
  [0, { name: 'F32', numbers: 1, bytes: 4 }],
  [1, { name: 'F16', numbers: 1, bytes: 2 }],
  [30, { name: 'BF16', numbers: 1, bytes: 2 }],
  [2, { name: 'Q4_0', numbers: 32, bytes: 18 }],
  [3, { name: 'Q4_1', numbers: 32, bytes: 20 }],
  [6, { name: 'Q5_0', numbers: 32, bytes: 22 }],
  [7, { name: 'Q5_1', numbers: 32, bytes: 24 }],
  [8, { name: 'Q8_0', numbers: 32, bytes: 34 }],
  [12, { name: 'Q4_K', numbers: 256, bytes: 144 }],
  [13, { name: 'Q5_K', numbers: 256, bytes: 176 }],
  [14, { name: 'Q6_K', numbers: 256, bytes: 210 }],
]);
