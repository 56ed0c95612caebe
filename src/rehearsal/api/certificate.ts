import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** X.509 v3 signing: node:crypto reads certificates but cannot make them, and an openssl program may not be there. */

export interface Certificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly organization?: string;
  readonly dnsNames?: readonly string[];
  /** IPv4 or the long form of IPv6. */
  readonly ipAddresses?: readonly string[];
  /** Days from now; the start is an hour in the past, so that a clock that is a little behind still accepts it. */
  readonly days?: number;
}

export interface CertificateAuthority {
  readonly certificatePem: string;
  issue(request: CertificateRequest): Certificate;
}

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

interface Signer {
  readonly name: Buffer;
  readonly keyId: Buffer;
  readonly privateKey: KeyObject;
}

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

const LOOPBACK = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '0:0:0:0:0:0:0:1'] } as const;

export function createCertificateAuthority(commonName: string): CertificateAuthority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = distinguishedName(commonName);
  const signer: Signer = { name, keyId: keyIdentifier(keys), privateKey: keys.privateKey };
  const extensions = [
    extension(OID.basicConstraints, sequence(boolean(true)), true),
    // keyCertSign and cRLSign, digitalSignature.
    extension(OID.keyUsage, bitString(Buffer.from([0x86]), 1), true),
    extension(OID.subjectKeyIdentifier, octetString(signer.keyId)),
  ];
  return {
    certificatePem: certificatePem(name, keys, signer, 3650, extensions),
    issue: (request) => issue(request, signer),
  };
}

/** A key pair and its certificate for a loopback server unless the request names other addresses. */
function issue(request: CertificateRequest, signer: Signer): Certificate {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const dnsNames = request.dnsNames ?? LOOPBACK.dnsNames;
  const addresses = request.ipAddresses ?? LOOPBACK.ipAddresses;
  const names = [
    ...dnsNames.map((name) => tagged(0x82, Buffer.from(name, 'ascii'))),
    ...addresses.map((address) => tagged(0x87, addressBytes(address))),
  ];
  const extensions = [
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.keyUsage, bitString(Buffer.from([0x80]), 7), true),
    extension(OID.extendedKeyUsage, sequence(objectId(OID.serverAuth), objectId(OID.clientAuth))),
    extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(keys))),
    extension(OID.authorityKeyIdentifier, sequence(tagged(0x80, signer.keyId))),
    ...(names.length > 0 ? [extension(OID.subjectAlternativeName, sequence(...names))] : []),
  ];
  const subject = distinguishedName(request.commonName, request.organization);
  return {
    certificatePem: certificatePem(subject, keys, signer, request.days ?? 365, extensions),
    privateKeyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function certificatePem(
  subject: Buffer,
  keys: KeyPair,
  signer: Signer,
  days: number,
  extensions: readonly Buffer[],
): string {
  const now = Date.now();
  const algorithm = sequence(objectId(OID.ecdsaWithSha256));
  const toBeSigned = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    algorithm,
    signer.name,
    sequence(time(new Date(now - 3_600_000)), time(new Date(now + days * 86_400_000))),
    subject,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', toBeSigned, signer.privateKey);
  const der = sequence(toBeSigned, algorithm, bitString(signature, 0));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  // A serial number is positive and its first byte not zero, else the encoding is not the shortest one.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function keyIdentifier(keys: KeyPair): Buffer {
  return createHash('sha1')
    .update(keys.publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

function distinguishedName(commonName: string, organization?: string): Buffer {
  const parts = organization === undefined ? [] : [attribute(OID.organization, organization)];
  return sequence(...parts, attribute(OID.commonName, commonName));
}

function attribute(id: string, value: string): Buffer {
  return tagged(0x31, sequence(objectId(id), tagged(0x0c, Buffer.from(value, 'utf8'))));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(objectId(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

function tagged(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = content.length < 0x100 ? [0x81, content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return tagged(0x30, ...contents);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

function octetString(bytes: Buffer): Buffer {
  return tagged(0x04, bytes);
}

function bitString(bytes: Buffer, unusedBits: number): Buffer {
  return tagged(0x03, Buffer.from([unusedBits]), bytes);
}

/** UTCTime, which is right until 2049. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`, 'ascii'));
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}

function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  return Buffer.from(
    address
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  );
}
