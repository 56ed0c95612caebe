/** An address or a name with its port, as a URL has it: IPv6 in brackets. */
export function hostPort(host: string, port: string | number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
