import { userInfo } from 'node:os';

/** Who says something, as histories and overrides keep it. */
export function personName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
