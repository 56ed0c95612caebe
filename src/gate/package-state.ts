import { formatDuration } from '../age.ts';
import { compareVersions, parseDebianVersion } from '../version.ts';
import { isBegun, nodeCheck, type SurveyedNode } from './surveyed.ts';

const OURS = ['kubeadm', 'kubelet', 'kubectl'];

type Package = SurveyedNode['survey']['packages'][number];

const ours = ({ survey }: SurveyedNode): readonly Package[] =>
  survey.packages.filter(({ name, installed }) => OURS.includes(name) && installed);
const versionOf = ({ version }: Package): string | undefined => parseDebianVersion(version)?.version;
const named = ({ name, version }: Package): string => `${name} ${version}`.trim();

/** What a node whose own step has begun is left out of: the step finishes what it was interrupted in. */
const untouched =
  (problems: (surveyed: SurveyedNode) => readonly string[]) =>
  (surveyed: SurveyedNode): readonly string[] =>
    isBegun(surveyed) ? [] : problems(surveyed);

const absent = (surveyed: SurveyedNode): readonly string[] =>
  OURS.filter((name) => !surveyed.survey.packages.some((one) => one.name === name));

const broken = ({ survey }: SurveyedNode): readonly string[] =>
  survey.packages.filter(({ installed }) => !installed).map(named);
/** unattended-upgrades, or a person: what is half done now is done in a minute. stage.sh waits for it, and looks again. */
const isAtWork = ({ survey }: SurveyedNode): boolean =>
  survey.apt.locks.some(({ file }) => file.startsWith('/var/lib/dpkg/'));

/** dpkg can go on, and nothing but the upgrade decides which version of ours is there. */
export const packageState = nodeCheck('package-state', [
  {
    reason: 'PackagesBroken',
    severity: 'block',
    said: 'packages that are not wholly installed, with which apt does nothing',
    remedy: 'On each: dpkg --configure -a && apt-get -f install; then see that `dpkg --audit` says nothing.',
    problems: untouched((surveyed) => (isAtWork(surveyed) ? [] : broken(surveyed))),
  },
  {
    reason: 'PackagesBroken',
    severity: 'warn',
    said: 'packages that are not wholly installed, which dpkg is at work on right now',
    remedy: 'Nothing, when it ends: it is waited for and looked at again before anything is changed.',
    problems: untouched((surveyed) => (isAtWork(surveyed) ? broken(surveyed) : [])),
  },
  {
    reason: 'KubeletNotPackaged',
    severity: 'block',
    said: 'the kubelet is not of the package, so installing the package would put a second one beside it',
    remedy: 'Replace it by the package kubelet of the version that runs, or leave the worker out: nodes.exclude.',
    problems: untouched((surveyed) => absent(surveyed).filter((name) => name === 'kubelet')),
  },
  {
    reason: 'PackageNewer',
    severity: 'block',
    said: ({ target }) => `packages newer than ${target}, which apt does not take back`,
    remedy: ({ target }) =>
      `On each, for what is named: apt-get install --allow-downgrades --allow-change-held-packages 'NAME=${target}-*'; or let the version be the target.`,
    problems: ({ node, survey }, { target }) =>
      ours({ node, survey })
        .filter((one) => compareVersions(versionOf(one) ?? target, target) > 0)
        .map(named),
  },
  {
    reason: 'PackageMissing',
    severity: 'warn',
    said: 'packages that are not there yet and come with the upgrade',
    remedy: 'Nothing, when the upgrade may install them.',
    problems: untouched((surveyed) => absent(surveyed).filter((name) => name !== 'kubelet')),
  },
  {
    reason: 'PackageDiffers',
    severity: 'warn',
    said: 'packages that are not of the version that the kubelet runs in',
    remedy: 'Find out who has changed them; a kubelet that was replaced and not restarted: systemctl restart kubelet',
    problems: untouched((surveyed) =>
      ours(surveyed)
        .filter((one) => versionOf(one) !== surveyed.node.kubelet)
        .map(named),
    ),
  },
  {
    reason: 'PackageNotHeld',
    severity: 'warn',
    said: 'packages that are not on hold, which any apt-get upgrade takes along',
    remedy: `On each: apt-mark hold ${OURS.join(' ')}; Nightlift does it with its first upgrade of the node.`,
    problems: untouched((surveyed) =>
      ours(surveyed)
        .filter(({ held }) => !held)
        .map(({ name }) => name),
    ),
  },
  {
    reason: 'PackageLockHeld',
    severity: 'warn',
    said: ({ options }) =>
      `the package lock is held by a program that runs for longer than packages.lockTimeoutSeconds (${options.packages.lockTimeoutSeconds} s)`,
    remedy: 'Let it end before the run, or end it: systemctl status apt-daily-upgrade apt-daily; ps -fp PID',
    problems: (surveyed, { options }) =>
      isBegun(surveyed)
        ? []
        : surveyed.survey.apt.locks
            .filter(({ seconds }) => seconds === null || seconds > options.packages.lockTimeoutSeconds)
            .map(
              ({ file, pid, program, seconds }) =>
                `${program || 'a program'}, pid ${pid}, ${seconds === null ? 'since when is not known' : `for ${formatDuration(seconds * 1000)}`}, ${file}`,
            ),
  },
]);
