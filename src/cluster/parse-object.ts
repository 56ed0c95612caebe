import type { z } from 'zod';
import { describeBody } from '../http/describe-body.ts';
import { unreadableAnswer } from './kube-error.ts';

/**
 * An answer's body as what was asked for; `problemOf` says why it is about something else.
 * @throws ClusterError (NotKubernetes) that says what came instead.
 */
export function parseObject<S extends z.ZodType>(
  doing: string,
  server: string,
  body: string,
  schema: S,
  problemOf: (value: unknown) => string | undefined = () => undefined,
): z.infer<S> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw unreadableAnswer(
      doing,
      server,
      `the API server answered with ${describeBody(body)} where JSON was expected`,
      error,
    );
  }
  const problem = problemOf(value);
  if (problem !== undefined)
    throw unreadableAnswer(doing, server, `${server} answered with ${describeBody(body)}: ${problem}`);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const at = issue?.path.map(String).join('.') ?? '';
  throw unreadableAnswer(
    doing,
    server,
    `the API server's answer has not the expected form: ${at === '' ? '' : `${at}: `}${issue?.message ?? 'unknown'}`,
    result.error,
  );
}
