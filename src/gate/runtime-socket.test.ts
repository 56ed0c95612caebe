import { describe, expect, it } from 'vitest';
import { surveyFindings } from '../../test/support/survey-findings.ts';
import { exampleSurvey } from '../facts/example-survey.ts';
import { runtimeSocket } from './runtime-socket.ts';

const CONTAINERD = '/run/containerd/containerd.sock';
const CRIO = '/run/crio/crio.sock';

describe('runtime-socket', () => {
  it.each<[string, string, readonly string[], string, string | null, string[]]>([
    ['one, which the kubelet names', 'cp-1', [CONTAINERD], `unix://${CONTAINERD}`, null, []],
    ['one, which nobody names', 'cp-1', [CONTAINERD], '', null, []],
    ['two, of which the kubelet names one', 'cp-1', [CONTAINERD, CRIO], `unix://${CRIO}`, null, []],
    ['two, and nobody says which', 'worker-1', [CONTAINERD, CRIO], '', null, ['SeveralRuntimes']],
    ['two on a worker, and the annotation says which', 'worker-1', [CONTAINERD, CRIO], '', `unix://${CRIO}`, []],
    [
      'two on a control plane, where the annotation is not asked',
      'cp-1',
      [CONTAINERD, CRIO],
      '',
      `unix://${CRIO}`,
      ['SeveralRuntimes'],
    ],
    [
      'an annotation that says the same',
      'worker-1',
      [CONTAINERD],
      `unix://${CONTAINERD}`,
      `unix:///var${CONTAINERD}`,
      [],
    ],
    ['an annotation without a scheme', 'worker-1', [CONTAINERD], `unix://${CONTAINERD}`, CONTAINERD, []],
    [
      'an annotation that says another one',
      'worker-1',
      [CONTAINERD, CRIO],
      `unix://${CONTAINERD}`,
      `unix://${CRIO}`,
      ['RuntimesDiffer'],
    ],
  ])('of %s', (_name, node, sockets, socket, criSocket, want) => {
    const runtime = { ...exampleSurvey().runtime, sockets: [...sockets], socket };
    const findings = surveyFindings(runtimeSocket, {
      surveys: { [node]: { runtime } },
      nodes: { [node]: { criSocket } },
    });
    expect(findings.map(({ reason }) => reason)).toEqual(want);
    for (const { severity, message } of findings) {
      expect(severity).toBe('block');
      expect(message).toContain(`: ${node} (`);
    }
  });
});
