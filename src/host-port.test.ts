import { expect, it } from 'vitest';
import { hostPort } from './host-port.ts';

it.each([
  ['10.0.0.1', 6443, '10.0.0.1:6443'],
  ['node.example', '22', 'node.example:22'],
  ['fd00::1', 6443, '[fd00::1]:6443'],
  ['::1', 2379, '[::1]:2379'],
])('%s and %s are %s', (host, port, written) => {
  expect(hostPort(host, port)).toBe(written);
  expect(new URL(`https://${written}`).port).toBe(String(port));
});
