import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startDaemon } from './daemon.ts';
import { type LabNode, type LabSpec, network } from './lab-spec.ts';

/** In front of several control planes: asks each for /readyz, and drops a connection whose server goes down. */
export async function startLoadBalancer(lab: string, spec: LabSpec, nodes: LabNode[]): Promise<void> {
  const servers = nodes
    .filter((node) => node.role === 'control-plane')
    .map(
      (node) =>
        `  server ${node.name} ${node.ip}:6443 check check-ssl verify none inter 1s fall 2 rise 2 on-marked-down shutdown-sessions`,
    );
  const config = `global
  maxconn 4000
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  option redispatch
  retries 3
frontend api
  bind ${network(spec).gateway}:6443
  default_backend control-planes
backend control-planes
  balance roundrobin
  option httpchk GET /readyz
  http-check expect status 200
${servers.join('\n')}
`;
  const file = path.join(lab, 'haproxy.cfg');
  await writeFile(file, config);
  await startDaemon(lab, 'haproxy', 'haproxy', ['-db', '-f', file]);
}
