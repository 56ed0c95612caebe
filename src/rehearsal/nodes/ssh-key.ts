import ssh2 from 'ssh2';

export interface SshKeyPair {
  /** PEM. */
  readonly private: string;
  /** One line, as in authorized_keys. */
  readonly public: string;
}

/** A key pair that can be read back: ssh2 drops a leading zero byte when it writes an ed25519 key, in 3 of 1000. */
export function generateSshKey(): SshKeyPair {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    const halves = [pair.private, pair.public].map((half) => ssh2.utils.parseKey(half));
    if (!halves.some((half) => half instanceof Error)) return pair;
  }
}
