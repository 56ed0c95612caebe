import { SCENARIO_NAMES } from '../../rehearsal/scenario-names.ts';
import { type CommandSpec, OUTPUT } from '../call/command.ts';

export const demoCommand: CommandSpec = {
  name: 'demo',
  summary: 'run a whole night on the embedded cluster',
  details:
    'Starts an API server, nodes behind SSH, a package feed, Prometheus, Pushgateway and Slack on loopback, lets the\nreal program upgrade them, and shows the Slack message of the morning. Needs nothing but Node, changes nothing\noutside a temporary folder. Exits 0 when the night ended as the scenario says.',
  options: [
    { name: 'scenario', value: 'NAME', summary: `one of ${SCENARIO_NAMES.join(', ')}`, choices: SCENARIO_NAMES },
    { name: 'nodes', value: 'N', summary: 'number of nodes (default: what the scenario needs)' },
    { name: 'speed', value: 'N', summary: 'how many times faster than a real night the waits are (default 300)' },
    { name: 'keep', summary: 'keep the temporary folder (node states, logs) and say where it is' },
    OUTPUT,
  ],
  examples: [
    ['nightlift demo', 'a patch upgrade of one control plane and two workers'],
    ['nightlift demo --scenario ha --nodes 5', 'three control planes'],
    ['nightlift demo --scenario killed -o json', 'the chain is killed on the way; the result as JSON'],
  ],
  load: () => import('./demo.ts'),
};
