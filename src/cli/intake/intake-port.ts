/** Where an intake Job listens, on its pod's loopback. */
export const INTAKE_PORT = 8485;
