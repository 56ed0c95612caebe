import { z } from 'zod';
import { notes } from './field.ts';

const address = z
  .string()
  .refine((text) => text === '' || /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'give an http or https address');

export const Promotion = z
  .strictObject({
    from: z
      .enum(['nowhere', 'prometheus', 'url', 'configmap'])
      .default('nowhere')
      .meta(
        notes(
          'Where it is asked how staging fares, before a version is taken: `prometheus` by its series, `url` or `configmap` by its history of runs (`nightlift history -o json`; key `history.json` of ConfigMap `k8s-upgrade-staging`).',
          { reason: 'A cluster that is alone has no staging.' },
        ),
      ),
    days: z
      .number()
      .positive()
      .max(365)
      .default(7)
      .meta(
        notes('How long all of staging has to have run the version, without anything red.', {
          unit: 'days',
          reason: 'A week has every weekday in it, and what comes once a week.',
        }),
      ),
    prometheusUrl: address.default('').meta(
      notes('Base URL of the Prometheus that has the series of staging; empty = `alerts.prometheusUrl`.', {
        reason: 'Several clusters often have one.',
      }),
    ),
    labels: z
      .record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'give the name of a label'), z.string())
      .default({})
      .meta(
        notes('Labels of the series of staging there, such as `cluster: staging`.', {
          reason: 'A Prometheus of its own needs none.',
        }),
      ),
    url: address
      .default('')
      .meta(notes('Where the history of staging is fetched.', { reason: 'There is no address that fits.' })),
  })
  .superRefine(({ from, url }, { addIssue }) => {
    if (from === 'url' && url === '')
      addIssue({
        code: 'custom',
        path: ['url'],
        message: 'give the address at which the history of staging is fetched',
      });
  });
