import { describe, expect, it } from 'vitest';
import { formatRecording, parseRecording } from './recording.ts';

describe('a recording', () => {
  it('reads back as it was written', () => {
    const recording = {
      command: "dpkg-query -W -f='${Status}' a",
      exitCode: 1,
      stdout: '',
      stderr: 'no packages found\n',
    };
    expect(parseRecording(formatRecording(recording))).toEqual(recording);
  });

  it('keeps several lines of both streams apart', () => {
    const recording = { command: 'kubeadm upgrade plan', exitCode: 0, stdout: 'a\n\nb\n', stderr: 'W1121 c\n' };
    expect(parseRecording(formatRecording(recording))).toEqual(recording);
  });

  it('refuses a file that is something else', () => {
    expect(() => parseRecording('hello')).toThrow(/reading a recording/);
  });
});
