/** How numbers are written: the same everywhere, with a true minus sign and "–" where nothing was measured (a missing score is missing, never zero). */

export const MISSING = '–';

/** `.42`-style values as `0.42`; two digits unless told. */
export function decimal(value: number | undefined | null, digits = 2): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return MISSING;
  const text = value.toFixed(digits);
  const negative = value < 0 && Number(text) !== 0;
  return negative ? `−${text.slice(1)}` : text.replace(/^-/, '');
}

/** As `decimal`, with a plus sign for what is greater than zero. */
export function signed(value: number | undefined | null, digits = 2): string {
  const text = decimal(value, digits);
  return text !== MISSING && Number(value?.toFixed(digits)) > 0 ? `+${text}` : text;
}

export function percent(share: number | undefined | null, digits = 0): string {
  if (share === undefined || share === null || !Number.isFinite(share)) return MISSING;
  return `${decimal(share * 100, digits)}\u00a0%`;
}

export function interval(low: number | undefined | null, high: number | undefined | null, digits = 2): string {
  const [a, b] = [decimal(low, digits), decimal(high, digits)];
  return a === MISSING && b === MISSING ? MISSING : `${a} to ${b}`;
}

/** p-values: three digits, never "0". */
export function pValue(p: number | undefined | null): string {
  if (p === undefined || p === null || !Number.isFinite(p)) return MISSING;
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

/** 34,216 → `34 k`, 1,831,000 → `1.8 M`; the unit never breaks off its number. */
export function count(value: number): string {
  for (const [unit, size] of [
    ['B', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (Math.abs(value) >= size) {
      const scaled = value / size;
      return `${scaled >= 10 ? Math.round(scaled) : Number(scaled.toFixed(1))}\u00a0${unit}`;
    }
  }
  return String(value);
}

/** 12345678 → `12,345,678`, whatever the machine's locale. */
export function grouped(value: number): string {
  const [whole, fraction] = Math.abs(value).toString().split('.');
  const groups = (whole ?? '').replace(/\B(?=(\d{3})+$)/g, ',');
  return `${value < 0 ? '−' : ''}${groups}${fraction === undefined ? '' : `.${fraction}`}`;
}

export function seconds(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return MISSING;
  if (value < 60) return `${decimal(value, value < 10 ? 1 : 0)} s`;
  const minutes = Math.round(value / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** A sentence that was made elsewhere, set as the others: capital first (unless it opens with a name such as gpt2-d8), true minus signs. Its words stay. */
export function prose(text: string): string {
  const minus = text.replace(/(^|[\s(±])-(?=[\d.])/g, '$1−');
  return /^[a-z]+[\s,:;]/.test(minus) ? `${minus.charAt(0).toUpperCase()}${minus.slice(1)}` : minus;
}

/** `2026-01-02 03:04:05 UTC` from ISO 8601; what is no such time stays as it came. */
export function instant(iso: string): string {
  return iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/, '$1 $2 UTC');
}

/** The first twelve digits of a key or a digest: enough to find it, short enough to read. */
export function short(digest: string): string {
  return digest.slice(0, 12);
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** For terminals and Markdown, where a no-break space would only puzzle a search. */
export function plainSpaces(text: string): string {
  return text.replaceAll('\u00a0', ' ');
}
