import type { GateContext } from './check.ts';
import { nodeCheck, type SurveyedNode } from './surveyed.ts';

const OURS = ['kubeadm', 'kubelet', 'kubectl'];

type Source = SurveyedNode['survey']['apt']['sources'][number];

interface Sources {
  /** Under `packages.baseUrl`, as sources.sh finds them; switched on or off. */
  readonly ours: readonly Source[];
  readonly elsewhere: readonly Source[];
}

/** What a repository of Kubernetes looks like, whoever serves it: upgrade-node-source.sh goes by the same. */
const ANY_MINOR = /\/v\d+\.\d+\/deb/;

function sourcesOf({ survey }: SurveyedNode, { options }: GateContext): Sources {
  const base = `${baseOf(options.packages.baseUrl)}/v`;
  const isOurs = ({ text }: Source): boolean => text.includes(base);
  return {
    ours: survey.apt.sources.filter(isOurs),
    elsewhere: survey.apt.sources.filter((source) => ANY_MINOR.test(source.text) && !isOurs(source)),
  };
}

const baseOf = (url: string): string => url.replace(/\/+$/, '');
const filesOf = (sources: readonly Source[]): readonly string[] => [...new Set(sources.map(({ file }) => file))];

function minorsOf(sources: readonly Source[], baseUrl: string): readonly string[] {
  const base = `${baseOf(baseUrl)}/v`;
  const minors = sources.flatMap(({ text }) =>
    text
      .split(base)
      .slice(1)
      .flatMap((rest) => /^\d+\.\d+/.exec(rest)?.[0] ?? []),
  );
  return [...new Set(minors)];
}

/** An origin or a site by which unattended-upgrades takes packages of Kubernetes. */
function takesOurs(pattern: string, { options }: GateContext): boolean {
  const host = URL.parse(options.packages.baseUrl)?.host ?? '';
  return (
    /kubernetes|(^|[ ,])(o|origin)=\*|\*:\*/i.test(pattern) ||
    (host !== '' && pattern.toLowerCase().includes(host.toLowerCase()))
  );
}

/** A list entry of unattended-upgrades that keeps a package out; a regular expression of Python's, anchored at the start. */
function isBlacklisted(name: string, unattended: readonly string[]): boolean {
  return unattended.some((line) => {
    const pattern = /^Package-Blacklist\S* (.+)$/.exec(line)?.[1];
    if (pattern === undefined) return false;
    const literal = pattern.replace(/^\^|\$$|\.\*$|[()]/g, '');
    return literal !== '' && name.startsWith(literal);
  });
}

/** Where a node takes packages of Kubernetes from, and what else decides about them there. Proxies are only in the facts. */
export const packageSources = nodeCheck('package-sources', [
  {
    reason: 'SourceDisabled',
    severity: 'block',
    said: 'the apt source of Kubernetes is switched off',
    remedy: 'In the file that is named, set `Enabled: yes`, or delete the stanza so that Nightlift writes its own.',
    problems(surveyed, context) {
      const { ours } = sourcesOf(surveyed, context);
      return ours.some(({ enabled }) => enabled) ? [] : filesOf(ours);
    },
  },
  {
    reason: 'SourceElsewhere',
    severity: 'block',
    said: ({ options }) => `the apt source of Kubernetes is not under ${baseOf(options.packages.baseUrl)}`,
    remedy: "Set packages.baseUrl of Nightlift's settings to what these nodes use, or mend the file that is named.",
    problems(surveyed, context) {
      const { ours, elsewhere } = sourcesOf(surveyed, context);
      return ours.length > 0 ? [] : filesOf(elsewhere);
    },
  },
  {
    reason: 'SourceMissing',
    severity: 'warn',
    said: 'there is no apt source of Kubernetes; Nightlift writes one',
    remedy: "Nothing, when packages.baseUrl of Nightlift's settings is where these nodes shall take it from.",
    problems(surveyed, context) {
      const { ours, elsewhere } = sourcesOf(surveyed, context);
      return ours.length + elsewhere.length > 0 ? [] : [''];
    },
  },
  {
    reason: 'SourceOfSeveralMinors',
    severity: 'warn',
    said: "apt sources of several minors of Kubernetes at once; all of them are pointed at the target's",
    remedy: 'Leave one of them: see `grep -r /deb/ /etc/apt/sources.list*` on the node.',
    problems(surveyed, context) {
      const enabled = sourcesOf(surveyed, context).ours.filter((source) => source.enabled);
      const minors = minorsOf(enabled, context.options.packages.baseUrl);
      return minors.length > 1 ? [`${minors.join(', ')} in ${filesOf(enabled).join(', ')}`] : [];
    },
  },
  {
    reason: 'PackagesPinned',
    severity: 'warn',
    said: 'apt preferences that may keep a package of the upgrade from being installed',
    remedy:
      'Take them away, or make sure that they let the target in: apt-cache policy kubeadm kubernetes-cni cri-tools',
    // A version that is named in full is not asked for its pin, what it depends on is; so only those that forbid or fix.
    problems: ({ survey }) =>
      survey.apt.pins.filter((pin) => /Pin-Priority:\s*(-\d|\d{4})/i.test(pin) || /Pin:\s*version/i.test(pin)),
  },
  {
    reason: 'UnattendedUpgrades',
    severity: 'warn',
    said: 'unattended-upgrades may take packages of Kubernetes at any time, and they are not on hold',
    remedy: `On each: apt-mark hold ${OURS.join(' ')}`,
    problems(surveyed, context) {
      const { apt, packages } = surveyed.survey;
      const pattern = apt.unattended.find((line) => !line.startsWith('Package-Blacklist') && takesOurs(line, context));
      if (pattern === undefined) return [];
      const free = packages.filter(
        ({ name, held }) => OURS.includes(name) && !held && !isBlacklisted(name, apt.unattended),
      );
      return free.length === 0 ? [] : [`${free.map(({ name }) => name).join(', ')} by ${pattern}`];
    },
  },
]);
