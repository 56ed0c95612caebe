/** An URL for messages: without user, password and query values, any of which may be a secret. */
export function redactUrl(url: string | URL): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return 'an address that is no URL';
  }
  const auth = parsed.username === '' && parsed.password === '' ? '' : '***@';
  return `${parsed.protocol}//${auth}${parsed.host}${parsed.pathname}`;
}
