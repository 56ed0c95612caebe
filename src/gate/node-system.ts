import { nodeCheck, type SurveyedNode } from './surveyed.ts';

/** Without these it is another system than the one that Nightlift can upgrade. */
const APT = ['apt-get', 'dpkg'];

/** Architectures that pkgs.k8s.io has Debian packages for (its Release file), as uname has them. */
const ARCHITECTURES = ['x86_64', 'aarch64', 's390x', 'ppc64le'];

/** The Debian package of a program that survey.sh looks for; those that are not here have the name of their package. */
const PACKAGES: Readonly<Record<string, string>> = {
  'apt-cache': 'apt',
  'apt-helper': 'apt',
  'apt-mark': 'apt',
  awk: 'mawk',
  base64: 'coreutils',
  'dpkg-deb': 'dpkg',
  'dpkg-query': 'dpkg',
  du: 'coreutils',
  find: 'findutils',
  flock: 'util-linux',
  od: 'coreutils',
  sha256sum: 'coreutils',
  stat: 'coreutils',
  systemctl: 'systemd',
  'systemd-run': 'systemd',
  timeout: 'coreutils',
};

const hasNoApt = ({ survey }: SurveyedNode): boolean => survey.missingTools.some((tool) => APT.includes(tool));

/** Nightlift knows how to upgrade what runs there. */
export const nodeSystem = nodeCheck('node-system', [
  {
    reason: 'SystemUnsupported',
    severity: 'block',
    said: 'Nightlift upgrades with apt and dpkg, which these nodes do not have',
    remedy:
      "Upgrade them by hand, and leave workers of that kind out: give them a label, and name it in nodes.exclude of Nightlift's settings.",
    problems(surveyed) {
      const { id, version, name } = surveyed.survey.os;
      return hasNoApt(surveyed) ? [name || `${id} ${version}`.trim() || 'a system without /etc/os-release'] : [];
    },
  },
  {
    reason: 'ArchitectureUnsupported',
    severity: 'block',
    said: `Kubernetes has no Debian packages for the architecture (it has them for ${ARCHITECTURES.join(', ')})`,
    remedy: "Take these nodes out of the cluster, or leave them out: nodes.exclude of Nightlift's settings.",
    problems: ({ survey }) => (ARCHITECTURES.includes(survey.architecture) ? [] : [survey.architecture || 'not known']),
  },
  {
    reason: 'ToolMissing',
    severity: 'block',
    said: 'programs are missing that the upgrade needs',
    remedy: (_, nodes) =>
      `On each: apt-get install -y ${[...new Set(nodes.flatMap(({ survey }) => survey.missingTools.map((tool) => PACKAGES[tool] ?? tool)))].toSorted().join(' ')}`,
    problems: (surveyed) => (hasNoApt(surveyed) ? [] : surveyed.survey.missingTools),
  },
]);
