import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hostPort } from '../../src/host-port.ts';
import { startDaemon } from './daemon.ts';
import { type LabNode, type LabSpec, network } from './lab-spec.ts';
import { mustRun } from './run-command.ts';

/**
 * In front of several control planes, as a careful operator sets it: five looks a second, down at the first bad one, and
 * then the server's connections are cut, so that nobody waits on it. An API server notices only after seconds that the
 * etcd beside it is gone, and answers 500 meanwhile: whether that etcd listens is looked at first.
 */
export async function startLoadBalancer(lab: string, spec: LabSpec, nodes: LabNode[]): Promise<void> {
  const servers = nodes
    .filter((node) => node.role === 'control-plane')
    .map(({ name, ip }) => `  server ${name} ${hostPort(ip, 6443)}`);
  const config = `global
  maxconn 4000
  log stdout format iso local0 notice
defaults
  log global
  mode tcp
  timeout connect 1s
  timeout check 3s
  timeout client 1h
  timeout server 1h
  # A connection that a server refuses goes to another one at once.
  option redispatch 1
  retries 3
frontend api
  bind ${hostPort(network(spec).gateway, 6443)}
  default_backend control-planes
backend control-planes
  balance roundrobin
  option tcp-check
  tcp-check connect port 2379
  tcp-check connect port 6443 ssl
  tcp-check send "GET /readyz HTTP/1.0\\r\\nHost: api\\r\\n\\r\\n"
  tcp-check expect rstring ^HTTP/1\\.[01]\\ 200
  default-server check verify none inter 200ms fall 1 rise 2 on-marked-down shutdown-sessions
${servers.join('\n')}
`;
  const file = path.join(lab, 'haproxy.cfg');
  await writeFile(file, config);
  await mustRun('haproxy', ['-c', '-q', '-f', file]);
  await startDaemon(lab, 'haproxy', 'haproxy', ['-db', '-f', file]);
}
