/** Where a probe pod listens; above what needs a privilege. */
export const PROBE_PORT = 18_080;

/**
 * What a probe pod runs (`node -e`): answers, and with ?peer=ADDRESS says whether it reaches the probe there. It asks
 * nobody else: an address, that port, and no path.
 */
export const PROBE_PROGRAM = `
const http = require('node:http');
const { isIP } = require('node:net');
const port = ${PROBE_PORT};
const server = http.createServer((request, response) => {
  const end = (status, text) => response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
  const peer = new URL(request.url, 'http://probe').searchParams.get('peer');
  if (peer === null) return end(200, 'nightlift probe');
  if (isIP(peer) === 0) return end(400, 'no address');
  const asked = http.get({ host: peer, port, path: '/', timeout: 3000, agent: false }, (answer) => {
    answer.resume();
    end(answer.statusCode === 200 ? 200 : 502, 'HTTP ' + answer.statusCode);
  });
  asked.on('timeout', () => asked.destroy(new Error('no answer within 3 s')));
  asked.on('error', (error) => end(502, error.message));
});
server.listen(port, process.env.PROBE_ADDRESS);
process.on('SIGTERM', () => process.exit(0));
`;
