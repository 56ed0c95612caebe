import { stringify } from 'yaml';

/**
 * What a reader does not see and a terminal obeys: control characters (C0, DEL, C1), format characters (bidi controls,
 * zero-width, tags, also those that are not assigned), separators of lines and paragraphs, halves of surrogate pairs. The joiners of scripts are letters.
 */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u{e0000}-\u{e007f}]/gu;
const LINE_BREAKS = / ?[\n\r\v\f\u0085\u2028\u2029]\s*/g;

/** What stands before the host of an address, whoever has written it there: a password, or a token. */
const CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>\\]+@/gi;

/** Text from anywhere as one line that does nothing and tells no password of an address: line breaks are shown as ⏎, other unseen characters as \u001b. */
export function oneLine(text: string): string {
  return text
    .replaceAll(CREDENTIALS, '$1***@')
    .replaceAll(LINE_BREAKS, ' ⏎ ')
    .replace(/ ⏎ $/, '')
    .replaceAll('\t', ' ')
    .replaceAll(UNSEEN, escaped);
}

/** JSON that is as plain on a terminal as it is to a parser: JSON.stringify leaves C1, bidi controls and U+2028 as they are. */
export function plainJson(value: unknown, indent?: number): string {
  const text = (JSON.stringify(value, null, indent) ?? 'null').replaceAll(CREDENTIALS, '$1***@');
  return text.replaceAll(UNSEEN, (sign) => (sign === '\n' ? sign : escaped(sign)));
}

/** The same as YAML. Every text is in double quotes, the only form in which YAML can escape what is not seen. */
export function plainYaml(value: unknown): string {
  const plain: unknown = JSON.parse(plainJson(value));
  const text = stringify(plain, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'QUOTE_DOUBLE', lineWidth: 0 });
  return text.replaceAll(UNSEEN, (sign) => (sign === '\n' ? sign : escapedInYaml(sign)));
}

/** YAML has no pairs of surrogates. */
function escapedInYaml(sign: string): string {
  const code = sign.codePointAt(0) ?? 0;
  return code > 0xff_ff ? `\\U${code.toString(16).padStart(8, '0')}` : escaped(sign);
}

function escaped(sign: string): string {
  return sign
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
