/** What something that was thrown says. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  // Web sockets throw events.
  const message = (error as { readonly message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' && message !== '' ? message : String(error);
}
