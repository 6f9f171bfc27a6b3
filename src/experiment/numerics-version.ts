/** Numerics version of the trainer that this release asks for; part of every stage key. Raised when results move beyond the stated tolerance. */
export const NUMERICS_VERSION = 1;
