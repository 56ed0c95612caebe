import { formatDuration } from '../age.ts';
import { nodeCheck } from './surveyed.ts';

/** What etcd, logs and leases do not mind. */
const FINE_SECONDS = 5;
/**
 * Beyond it a token that one API server has issued is not valid yet to another (go-jose's DefaultLeeway), and soon after that
 * a certificate (the signer dates it back by five minutes) and a package list (apt's Acquire::Max-FutureTime and Valid-Until).
 */
const MOST_SECONDS = 60;

const offset = (seconds: number): string =>
  `${formatDuration(Math.abs(seconds) * 1000)} ${seconds > 0 ? 'ahead' : 'behind'}`;

const REMEDY =
  'On each: timedatectl; systemctl restart chrony (or systemd-timesyncd). When all nodes are named, it is the clock of the API server that answered.';

/** The clocks of the nodes agree with that of the API server. */
export const nodeClocks = nodeCheck('node-clocks', [
  {
    reason: 'ClockWrong',
    severity: 'block',
    said: `clocks that differ from the API server's by more than ${MOST_SECONDS} s: tokens, certificates and package lists are not valid by them`,
    remedy: REMEDY,
    problems: ({ survey: { clockOffsetSeconds: seconds } }) =>
      seconds !== null && Math.abs(seconds) > MOST_SECONDS ? [offset(seconds)] : [],
  },
  {
    reason: 'ClockOff',
    severity: 'warn',
    said: `clocks that differ from the API server's by more than ${FINE_SECONDS} s`,
    remedy: REMEDY,
    problems: ({ survey: { clockOffsetSeconds: seconds } }) =>
      seconds !== null && Math.abs(seconds) > FINE_SECONDS && Math.abs(seconds) <= MOST_SECONDS
        ? [offset(seconds)]
        : [],
  },
  {
    reason: 'ClockNotKnown',
    severity: 'warn',
    said: 'clocks could not be compared: the API server, or something in front of it, did not say what time it is',
    remedy: 'Compare them yourself: date -u on these nodes and on a control plane.',
    problems: ({ survey }) => (survey.clockOffsetSeconds === null ? [''] : []),
  },
]);
