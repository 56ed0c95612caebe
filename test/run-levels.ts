import { existsSync } from 'node:fs';
import { kubeDirectory } from './control-plane/kube-programs.ts';
import { hasProgram } from './run-command.ts';
import type { FileResult } from './run-vitest.ts';

export interface Level {
  readonly name: string;
  /** Against what. */
  readonly title: string;
  readonly has: RegExp;
  /** Whether it is a project of vitest.config.ts; else it is a program of its own. */
  readonly isProject: boolean;
  /** Only with --all, or by its name: it would take the others over their ten minutes. */
  readonly isLong?: boolean;
  /** Why it cannot run here, or what of it cannot; undefined when nothing stands in the way. */
  missing(): string | undefined;
}

/** From fast to real; a test file belongs to the first level whose pattern it has, else to `unit`. */
export const LEVELS: readonly Level[] = [
  {
    name: 'control-plane',
    title: 'real etcd and API server',
    has: /^test\/control-plane\//,
    isProject: true,
    missing: withoutKubernetes,
  },
  {
    name: 'lab',
    title: 'a night on a real kubeadm cluster (npm run test:lab has all of them)',
    has: /^test\/lab(-night)?\//,
    isProject: false,
    missing: () => undefined,
  },
  {
    name: 'components',
    title: 'real Prometheus, Pushgateway, ssh and API server',
    has: /^test\/components\//,
    isProject: true,
    missing: withoutComponents,
  },
  {
    name: 'long-chaos',
    title:
      'killed at every step of several control planes, and at samples of the other nights; faults in all phases; nights of several minors, of workers that go together, and with smoke tests',
    has: /^test\/(chaos\/(kill-(?!patch)|faults-in-(preflight|master|worker|postflight))|rehearsal\/long\/)/,
    isProject: true,
    isLong: true,
    missing: () => undefined,
  },
  {
    name: 'chaos',
    title: 'a patch killed at every point, every dependency failing in the detection',
    has: /^test\/chaos\/(kill|faults)-/,
    isProject: true,
    missing: () => undefined,
  },
  {
    name: 'rehearsal',
    title: 'embedded cluster: HTTPS, SSH, bash',
    has: /^(test|src)\/rehearsal\//,
    isProject: true,
    missing: () => undefined,
  },
  {
    name: 'unit',
    title: 'pure functions, rendered text, adapters on loopback',
    has: /./,
    isProject: true,
    missing: () => undefined,
  },
];

function withoutKubernetes(): string | undefined {
  const directory = kubeDirectory();
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'its programs are for linux/x64';
  return existsSync(directory)
    ? undefined
    : `there are no Kubernetes programs in ${directory} (NIGHTLIFT_KUBE_DIR names another directory)`;
}

function withoutComponents(): string | undefined {
  const absent = ['prometheus', 'promtool', 'prometheus-pushgateway', 'ssh', '/usr/sbin/sshd'].filter(
    (name) => !hasProgram(name),
  );
  const programs =
    absent.length === 0
      ? []
      : [
          `not installed: ${absent.join(', ')} (Debian: apt-get install prometheus prometheus-pushgateway openssh-server)`,
        ];
  const reasons = [...programs, withoutKubernetes() ?? ''].filter((reason) => reason !== '');
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

export function levelOf(file: string): Level {
  const level = LEVELS.find((item) => item.has.test(file));
  if (level === undefined) throw new Error(`no level for ${file}`);
  return level;
}

/** One line a level: how much of it ran, and why the rest did not. `why` is for what only the run itself can know. */
export function describeLevel(level: Level, files: readonly FileResult[], asked: boolean, why?: string): string {
  const sum = (count: (file: FileResult) => number) => files.reduce((total, file) => total + count(file), 0);
  const [passed, failed, skipped] = [
    sum((file) => file.passed),
    sum((file) => file.failed.length),
    sum((file) => file.skipped),
  ];
  const label = `${level.name.padEnd(14)} ${level.title}: `;
  const missing = why ?? level.missing();
  if (!asked) return `${label}not run: ${level.isLong === true ? 'npm test -- --all has it' : 'not asked for'}`;
  if (passed + failed === 0)
    return `${label}not run: ${missing ?? (skipped > 0 ? 'its tests skip themselves here' : 'there are no such tests')}`;
  return `${label}${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped${missing === undefined ? '' : `: ${missing}`}`}`;
}
