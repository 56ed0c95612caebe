import { formatDuration } from '../age.ts';
import type { Facts } from '../facts/facts.ts';
import { nodeCheck, type SurveyedNode } from './surveyed.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A run that begins now has ended by then: a night, and a day for what it left. */
const RUN = DAY;
const SOON = 30 * DAY;
/** A kubelet asks for a new one when 70 to 90 % of the time have passed (client-go, certificate manager): later than that, nobody has signed it. */
const ROTATED = 0.95;

/** Who sees to it that there is a new one in time. */
type Renewal = 'nobody' | 'kubeadm' | 'kubelet' | 'person';

/** kubeadm renews what a component needs when it upgrades it (staticpods.go), and admin.conf; no authority, and nothing of the kubelet. */
const RENEWALS: readonly (readonly [RegExp, Renewal])[] = [
  [/^\/etc\/kubernetes\/pki\/(etcd\/|front-proxy-)?ca\.crt$/, 'nobody'],
  [
    /^\/etc\/kubernetes\/pki\/(apiserver|apiserver-kubelet-client|apiserver-etcd-client|front-proxy-client|etcd\/(server|peer|healthcheck-client))\.crt$/,
    'kubeadm',
  ],
  [/^\/etc\/kubernetes\/(admin|controller-manager|scheduler)\.conf$/, 'kubeadm'],
  [/^\/var\/lib\/kubelet\/pki\/kubelet-client-current\.pem$/, 'kubelet'],
];

interface Certificate {
  readonly file: string;
  readonly renewal: Renewal;
  /** Milliseconds from now; negative when it has ended. */
  readonly left: number;
  /** Of its whole time, how much has passed; undefined when its start is not known. */
  readonly passed: number | undefined;
}

function certificatesOf({ survey }: SurveyedNode, facts: Facts): readonly Certificate[] {
  const now = Date.parse(facts.observedAt);
  // Its default is false; kubeadm sets it.
  const rotates = survey.kubelet.config['rotateCertificates'] === true;
  return survey.certificates.flatMap(({ file, startsAt, endsAt }) => {
    if (endsAt === null) return [];
    const renewal = RENEWALS.find(([pattern]) => pattern.test(file))?.[1] ?? 'person';
    const [start, end] = [startsAt === null ? undefined : Date.parse(startsAt), Date.parse(endsAt)];
    return {
      file,
      renewal: renewal === 'kubelet' && !rotates ? 'nobody' : renewal,
      left: end - now,
      passed: start === undefined ? undefined : (now - start) / (end - start),
    };
  });
}

const isNeeded = ({ renewal }: Certificate): boolean => renewal !== 'person';

function endsDuringRun({ renewal, left }: Certificate): boolean {
  return left > 0 && left < RUN && renewal === 'nobody';
}

/** The kubelet's own are short on purpose in some clusters: late is what counts for them. */
function endsSoon(one: Certificate): boolean {
  if (one.left <= 0) return !isNeeded(one);
  if (one.renewal === 'kubelet' && one.passed !== undefined) return one.passed > ROTATED;
  return one.left < SOON && !endsDuringRun(one);
}

const said = ({ file, left, renewal }: Certificate): string => {
  const when = left > 0 ? `in ${formatDuration(left)}` : `${formatDuration(-left)} ago`;
  return `${file} ${when}${left > 0 && renewal === 'kubeadm' ? ', renewed by the upgrade' : ''}`;
};

const REMEDY =
  "On a control plane: kubeadm certs check-expiration; kubeadm certs renew NAME (all: for all of them), then restart its static pods. An authority is replaced by hand (“Manual rotation of CA certificates” in the Kubernetes documentation). The kubelet's: kubectl get csr shows whether nobody has signed it.";

/** No certificate that the run needs has ended, or ends while it is under way. */
export const certificates = nodeCheck('certificates', [
  {
    reason: 'CertificateEnded',
    severity: 'block',
    said: 'certificates that have ended',
    remedy: REMEDY,
    problems: (surveyed, _, facts) =>
      certificatesOf(surveyed, facts)
        .filter((one) => one.left <= 0 && isNeeded(one))
        .map(said),
  },
  {
    reason: 'CertificateEndsInRun',
    severity: 'block',
    said: 'certificates that end while a run is under way, and that nobody renews',
    remedy: REMEDY,
    problems: (surveyed, _, facts) => certificatesOf(surveyed, facts).filter(endsDuringRun).map(said),
  },
  {
    reason: 'CertificateEndsSoon',
    severity: 'warn',
    said: 'certificates that have ended or end within 30 days',
    remedy: REMEDY,
    problems: (surveyed, _, facts) => certificatesOf(surveyed, facts).filter(endsSoon).map(said),
  },
  {
    reason: 'CertificateNotRead',
    severity: 'warn',
    said: 'certificates whose end could not be read',
    remedy: 'See openssl x509 -noout -dates -in FILE on the node.',
    problems: ({ survey }) => survey.certificates.filter(({ endsAt }) => endsAt === null).map(({ file }) => file),
  },
]);
