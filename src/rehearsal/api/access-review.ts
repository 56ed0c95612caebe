import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Access, Identity, ServiceAccountRef } from './access.ts';
import { parseJson } from './request-body.ts';
import { badRequest } from './status-error.ts';

const ReviewBody = z.looseObject({
  spec: z.looseObject({
    resourceAttributes: z
      .looseObject({
        verb: z.string().default(''),
        group: z.string().default(''),
        resource: z.string().default(''),
        subresource: z.string().nullish(),
        name: z.string().nullish(),
        namespace: z.string().nullish(),
      })
      .nullish(),
    nonResourceAttributes: z.unknown().optional(),
  }),
});

/** POST selfsubjectaccessreviews: what the asker may do. */
export function reviewAccess(access: Access, identity: Identity, text: string): unknown {
  const parsed = ReviewBody.safeParse(parseJson(text, 'SelfSubjectAccessReview'));
  if (!parsed.success) throw badRequest(`invalid SelfSubjectAccessReview: ${z.prettifyError(parsed.error)}`);
  const { resourceAttributes: asked } = parsed.data.spec;
  const allowed =
    asked === undefined || asked === null
      ? true
      : access.allows(identity, {
          verb: asked.verb,
          group: asked.group,
          resource: asked.subresource ? `${asked.resource}/${asked.subresource}` : asked.resource,
          ...(asked.name ? { name: asked.name } : {}),
          ...(asked.namespace ? { namespace: asked.namespace } : {}),
        });
  return {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: { creationTimestamp: null },
    spec: parsed.data.spec,
    status: { allowed },
  };
}

/** POST serviceaccounts/NAME/token. */
export function requestToken(access: Access, account: ServiceAccountRef, now: Date): unknown {
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { ...account, uid: randomUUID(), creationTimestamp: now.toISOString() },
    spec: { audiences: ['https://kubernetes.default.svc'], expirationSeconds: 3600 },
    status: {
      token: access.serviceAccountToken(account),
      expirationTimestamp: new Date(now.getTime() + 3_600_000).toISOString(),
    },
  };
}
