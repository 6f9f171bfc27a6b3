/**
 * Numerics version of the trainer that this release asks for; part of every stage key. Raised when results move beyond the stated tolerance.
 * 2: weight gradients over more than 256 rows counted the first 256 twice.
 */
export const NUMERICS_VERSION = 2;
