import type { NodeSurvey } from '../facts/node-survey.ts';
import { oneLine } from '../plain-text.ts';

/** What apt takes for a no, as sources.sh does. */
const SWITCHED_OFF = ['no', 'false', 'off', '0', 'without', 'disable'];

export function sourceOf(file: string, text: string): NodeSurvey['apt']['sources'][number] {
  if (file.endsWith('.sources')) {
    const field = (name: string): string | undefined =>
      text
        .split(' ; ')
        .find((part) => part.toLowerCase().startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim();
    return {
      file,
      text,
      enabled: !SWITCHED_OFF.includes(field('enabled')?.toLowerCase() ?? ''),
      signedBy: (field('signed-by') ?? '').split(/[\s,]+/).filter((word) => word !== ''),
    };
  }
  const signedBy = /\bsigned-by=([^\]\s]+)/i.exec(text)?.[1] ?? '';
  return { file, text, enabled: true, signedBy: signedBy.split(',').filter((word) => word !== '') };
}

const UNATTENDED = 'Unattended-Upgrade::';

export function unattendedOf(config: readonly (readonly string[])[]): string[] {
  const isOn = config.some(([key, value]) => key === 'APT::Periodic::Unattended-Upgrade' && value !== '0');
  if (!isOn) return [];
  return config.flatMap(([key = '', value = '']) =>
    key.startsWith(UNATTENDED) ? [oneLine(`${key.slice(UNATTENDED.length)} ${value}`)] : [],
  );
}
