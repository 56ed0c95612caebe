/** The first bytes of an answer that is not what was asked for, fit for a message. */
export function describeBody(body: string): string {
  const text = body.trim().replaceAll(/\s+/g, ' ');
  if (text === '') return 'an empty body';
  const kind = /^<(!doctype|html|head|body|\?xml)/i.test(text) ? 'a page of HTML or XML, ' : '';
  return `${kind}"${text.slice(0, 120)}${text.length > 120 ? '…' : ''}"`;
}
