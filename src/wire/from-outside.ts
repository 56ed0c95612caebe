import type { KubeClient } from '../cluster/kube-client.ts';
import { ClusterError, parseStatus } from '../cluster/kube-error.ts';
import { type ServiceAddress, serviceAt } from '../cluster/service-proxy.ts';
import { NightliftError, NotFromHere, reasonOf } from '../errors.ts';
import { type FetchText, type FetchTextOptions, fetchText, type TextAnswer } from '../http/fetch-text.ts';
import { redactUrl } from '../http/redact-url.ts';

/**
 * As a pod would fetch it: what is the name of a Service is asked through the API server, which both can reach. What cannot be
 * reached all the same says nothing about the cluster, and is told apart from a no. @throws NotFromHere.
 */
export function fetchFromOutside(client: Pick<KubeClient, 'answer'>): FetchText {
  return async (address, options) => {
    const service = serviceAt(address);
    if (service === undefined) return await direct(address, options);
    try {
      return await throughProxy(client, address, service, options);
    } catch (error) {
      // Then it is a name of the internet, or nobody's.
      if (error instanceof ClusterError && !service.certain && [403, 404].includes(error.status))
        return await direct(address, options);
      if (error instanceof ClusterError) throw notFromHere(address, service, error);
      throw error;
    }
  };
}

async function direct(address: string, options: FetchTextOptions): Promise<TextAnswer> {
  try {
    return await fetchText(address, options);
  } catch (error) {
    // Only what no answer came back for has a cause.
    if (!(error instanceof NightliftError) || error.cause === undefined) throw error;
    throw new NotFromHere(`${reasonOf(error)} (not reachable from here)`, {
      remedy: 'The cluster may well reach it; give an address that can be reached from here, or ask in the cluster.',
      cause: error,
    });
  }
}

async function throughProxy(
  client: Pick<KubeClient, 'answer'>,
  address: string,
  { namespace, name, path, query }: ServiceAddress,
  { method = 'GET', signal }: FetchTextOptions,
): Promise<TextAnswer> {
  const where = redactUrl(address);
  if (!['GET', 'HEAD'].includes(method) || URL.parse(address)?.username !== '')
    throw new NotFromHere(
      `fetching ${where}: not reachable from here: the API server's proxy is only asked, without a password`,
    );
  const doing = `asking Service ${namespace}/${name} through the API server`;
  // A Status is the API server's own word: it has not come to the Service.
  const answer = await client.answer({ doing, path, query }, ({ body }) => parseStatus(body) === undefined, signal);
  const { status, body, retryAfterMs, contentType } = answer;
  return { status, body, retryAfterMs, contentType, url: where };
}

function notFromHere(address: string, { namespace, name }: ServiceAddress, error: ClusterError): NotFromHere {
  const forbidden = error.status === 403;
  return new NotFromHere(`fetching ${redactUrl(address)}: not reachable from here: ${reasonOf(error)}`, {
    remedy: forbidden
      ? `Grant your account "get" on services/proxy in ${namespace} (kubectl auth can-i get services/proxy -n ${namespace}).`
      : `Look at the Service: kubectl -n ${namespace} get service,endpointslices ${name === '' ? '' : `-l kubernetes.io/service-name=${name}`}`.trim(),
    cause: error,
  });
}
