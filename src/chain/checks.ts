import type { Check } from '../gate/check.ts';
import { gateChecks, preflightChecks, surveyChecks } from '../gate/checks.ts';
import { places } from './places.ts';
import { rolloutFits } from './rollout-fits.ts';

/** What preflight asks first; what the nodes say of themselves is asked in a step of it. */
export const beforeChange: readonly Check[] = [...gateChecks, ...preflightChecks, places, rolloutFits];

/** All of them, for whoever wants to know whether there may be an upgrade: everybody asks the same. */
export const allChecks: readonly Check[] = [...gateChecks, ...surveyChecks, ...preflightChecks, places, rolloutFits];
