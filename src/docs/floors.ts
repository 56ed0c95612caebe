/** A folder of src/ or a file that lies directly in it. */
export interface Room {
  /** Without src/: 'steps/' for a folder, 'deps.ts' for a file. */
  readonly name: string;
  readonly what: string;
}

/** Rooms that stand on one floor; those of a later step stand on the earlier ones. */
export interface Floor {
  readonly number: number;
  readonly name: string;
  readonly steps: readonly (readonly Room[])[];
}

function room(name: string, what: string): Room {
  return { name, what };
}

/**
 * The house, from the ground up: an import goes to a lower floor or to a lower step of the same floor, never sideways,
 * never up. `npm test` holds the imports against this table, and the picture in docs/architecture.md is drawn from both.
 */
export const FLOORS: readonly Floor[] = [
  {
    number: 1,
    name: 'words',
    steps: [
      [
        room('errors.ts', 'the one base of foreseeable errors'),
        room('observed.ts', 'known, or unknown and why'),
        room('clock.ts', 'time as a port'),
        room('plain-text.ts', 'text from outside that does nothing: one line, or JSON'),
        room('host-port.ts', 'an address with its port, IPv6 in brackets'),
        room('nearest.ts', 'what a mistyped word meant'),
        room('age.ts', 'how durations are said'),
        room('at-once.ts', 'so many at a time, and no more'),
        room('some-of.ts', 'as much of a long list as a person reads'),
      ],
      [
        room('log.ts', 'lines for people and for machines'),
        room('version.ts', 'versions, minors, jumps'),
        room('read-yaml.ts', 'YAML as values, or what is wrong with it'),
        room('render.ts', 'templates, strictly: a name that nobody gives is an error'),
      ],
      [
        room('facts/', 'the types of what was observed, and pure functions over them'),
        room('settings/', 'the settings file: schema, parser, what follows from it alone'),
      ],
    ],
  },
  {
    number: 2,
    name: 'ports',
    steps: [
      [room('http/', 'one answer over HTTP, redirects and sizes under control; the only room with undici')],
      [
        room('cluster/', 'the API server; the only room with client-node'),
        room('node/', 'the shell of a node, its scripts and what they say; the only room with ssh2'),
        room('alerts/', 'Prometheus'),
        room('metrics/', 'the Pushgateway and our gauges; the only room with prom-client'),
        room('notify/', 'Slack'),
        room('releases/', 'where new versions are published: pkgs.k8s.io and mirrors, apt on a node'),
      ],
      [room('staging/', 'how another cluster fares that takes versions first: its Prometheus, or its history of runs')],
      [room('deps.ts', 'one of each port, as a plain object that is passed')],
    ],
  },
  {
    number: 3,
    name: 'look and judge',
    steps: [
      [
        room('observe/', 'reads the world into facts, a file for each source'),
        room('gate/', 'checks, findings, verdict: facts in, findings out'),
      ],
    ],
  },
  {
    number: 4,
    name: 'engine',
    steps: [
      [
        room(
          'chain/',
          'knows no phase: runs the one that it is given; order and placement of steps, Jobs, lock, record, waits, outcomes',
        ),
      ],
    ],
  },
  {
    number: 5,
    name: 'steps',
    steps: [[room('steps/', 'what phases are made of, in rooms by subject: do, verify, undo')]],
  },
  {
    number: 6,
    name: 'use cases',
    steps: [
      [
        room('detect/', 'the nightly look: which version, asked of the gate, started'),
        room('phases/', 'the four phases as lists of checks and steps, and the plan over them'),
        room('report/', 'what the night came to, in one message'),
      ],
    ],
  },
  {
    number: 7,
    name: 'wiring',
    steps: [
      [room('environment.ts', 'the only reader of environment variables')],
      [room('wire/', 'adapters, built when they are first used')],
      [room('wire.ts', 'builds all of them')],
    ],
  },
  {
    number: 8,
    name: 'commands',
    steps: [
      [room('cli/', 'one file for each command; nothing decides here')],
      [room('main.ts', 'the program'), room('docs/', 'the documents that follow from the code')],
    ],
  },
];

/** Beside the house: what they may import, and who may import them. `all` is every room. */
export const BESIDE: readonly (Room & {
  readonly imports: 'all' | readonly string[];
  readonly from: readonly string[];
})[] = [
  {
    ...room('install/', 'manifests as data, for kustomize, Terraform and the embedded cluster'),
    imports: ['errors.ts', 'settings/', 'cluster/'],
    from: ['rehearsal/', 'cli/network-policy.ts'],
  },
  {
    ...room('rehearsal/', 'the embedded cluster: API server, nodes, services'),
    imports: 'all',
    from: ['cli/demo/'],
  },
];
