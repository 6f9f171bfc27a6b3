/** The project's folder. */
export const root: string;
/** Of the user: $LETHE_CACHE, or `lethe` in the system's folder of caches. */
export const cache: string;
export const logs: string;
