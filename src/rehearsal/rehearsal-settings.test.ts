import { describe, expect, it } from 'vitest';
import { parseSettings } from '../settings/parse-settings.ts';
import { DEFAULT_SPEED, paceOf } from './pace.ts';
import { rehearsalSettings } from './rehearsal-settings.ts';

const ENDPOINTS = {
  feed: { baseUrl: 'http://127.0.0.1:1/core:/stable:', redirectHost: '127.0.0.1:2' },
  prometheusUrl: 'http://127.0.0.1:3',
  pushgatewayUrl: 'http://127.0.0.1:4',
  ssh: { user: 'nightlift', port: 5 },
};

describe('the settings of a rehearsal', () => {
  it('are valid, and changes go over them group by group', () => {
    const text = rehearsalSettings(ENDPOINTS, paceOf(DEFAULT_SPEED), { waits: { soakSeconds: 7 }, dryRun: true });
    const settings = parseSettings(text, 'the test');
    expect(settings.dryRun).toBe(true);
    expect(settings.waits.soakSeconds).toBe(7);
    expect(settings.waits.settleSeconds).toBe(2);
    expect(settings.packages.redirectHosts).toEqual(['127.0.0.1:2']);
    expect(settings.ssh.port).toBe(5);
  });

  it('at the speed of a real night are the defaults', () => {
    const { waits } = parseSettings(rehearsalSettings(ENDPOINTS, paceOf(1)), 'the test');
    expect(waits).toEqual(parseSettings('', 'the defaults').waits);
  });

  it.each([1, 10, 300, 3600])('at speed %d leave the work itself the seconds that it takes', (speed) => {
    const { waits } = paceOf(speed);
    expect(waits.readySeconds).toBeGreaterThanOrEqual(20);
    expect(waits.drainSeconds).toBeGreaterThanOrEqual(8);
    expect(waits.pollSeconds).toBeGreaterThanOrEqual(0.2);
  });
});
