/** What the Jobs of the chain have in common, and no other Job has: a label of the runbook's (contract). */
export const CHAIN_SELECTOR = 'app=k8s-upgrade-chain';
