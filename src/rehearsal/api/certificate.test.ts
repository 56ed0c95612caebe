import { X509Certificate } from 'node:crypto';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createCertificateAuthority } from './certificate.ts';

test('a certificate is signed by its authority and names the loopback addresses', () => {
  const authority = createCertificateAuthority('kubernetes');
  const { certificatePem, privateKeyPem } = authority.issue({ commonName: 'server', organization: 'system:masters' });
  const certificate = new X509Certificate(certificatePem);
  const ca = new X509Certificate(authority.certificatePem);
  expect(ca.ca).toBe(true);
  expect(certificate.ca).toBe(false);
  expect(certificate.verify(ca.publicKey)).toBe(true);
  expect(certificate.checkIssued(ca)).toBe(true);
  expect(certificate.subject).toBe('O=system:masters\nCN=server');
  expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
  expect(certificate.validTo > certificate.validFrom).toBe(true);
  expect(privateKeyPem).toContain('PRIVATE KEY');
});

test.each([
  [['node-1.example', '*.apps.example'], ['10.0.0.7']],
  [Array.from({ length: 40 }, (_, index) => `a-rather-long-name-${index}.example.internal`), []],
])('other names are possible, however many', (dnsNames, ipAddresses) => {
  const { certificatePem } = createCertificateAuthority('ca').issue({ commonName: 'x', dnsNames, ipAddresses });
  const certificate = new X509Certificate(certificatePem);
  for (const name of dnsNames) expect(certificate.checkHost(name.replace('*', 'a'))).toBeDefined();
  for (const address of ipAddresses) expect(certificate.checkIP(address)).toBe(address);
});

test('a client that trusts the authority connects, another one does not', async () => {
  const authority = createCertificateAuthority('one');
  const { certificatePem, privateKeyPem } = authority.issue({ commonName: 'server' });
  const server = createServer({ cert: certificatePem, key: privateKeyPem }, (_, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ask = (host: string, ca: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request({ host, port, ca, agent: false }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
  expect(await ask('127.0.0.1', authority.certificatePem)).toBe(200);
  await expect(ask('127.0.0.1', createCertificateAuthority('one').certificatePem)).rejects.toThrow(/certificate/);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
