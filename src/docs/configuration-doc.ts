import { stringify } from 'yaml';
import { Settings } from '../settings/settings.ts';
import { fieldsOf, isGroup, type SchemaField, type SchemaNode, typeOf } from './schema-field.ts';

const HEAD = `# Settings

<!-- Written by \`npm run generate\` from src/settings: edit that, not this. -->

The settings are one YAML file, \`config.yaml\` of the ConfigMap \`k8s-upgrade-config\`. Pods have it mounted at
\`/config/config.yaml\`; on a workstation \`nightlift\` reads the ConfigMap of the cluster, or the file of \`--config\` or
\`$NIGHTLIFT_CONFIG\`. Every key has a default; a file that wants all of them says \`{}\`. A file that is missing
in a pod or that says nothing (empty, comments only) was lost on its way and is an error, and so is a key that is not known, with the
nearest known one. Nothing is done then. What is in effect is logged at every start (\`limits\`), and stands in the morning's report when
it changed. \`pause\`, \`resume\` and \`status\` work without valid settings. \`docs/configuration.schema.json\` is the same as JSON Schema, for
editors and CI.

Identifiers such as I09 or D15 in the reasons stand for what once went wrong; a test carries the same identifier.

## Example

What most clusters set:

\`\`\`yaml
packages:
  baseUrl: "https://pkgs.k8s.io/core:/stable:" # quoted, because it ends with a colon
alerts:
  prometheusUrl: http://prometheus-server.monitoring.svc
  ignore: [NodeClockNotSynchronising, "KubeJob.*"]
pushgatewayUrl: http://prometheus-prometheus-pushgateway.monitoring.svc:9091
ssh:
  user: nightlift
snapshot:
  namespace: default
  cronJob: backup-etcd
window:
  start: "23:00"
  end: "05:00"
quiesce:
  - { namespace: databases, name: postgres-operator }
target:
  minimumAgeHours: 48
\`\`\`
`;

const ENVIRONMENT = `## Environment

| variable | what |
|---|---|
| \`NIGHTLIFT_CONFIG\` | settings file, when \`--config\` is not given |
| \`NIGHTLIFT_TEMPLATES\` | folder with the templates, instead of the built-in one |
| \`NIGHTLIFT_ROOT\` | is put before every absolute path that the program reads; the pods of the embedded cluster have it |
| \`KUBECONFIG\` | kubeconfig, when \`--kubeconfig\` is not given; of several the first |
| \`KUBERNETES_SERVICE_HOST\`, \`KUBERNETES_SERVICE_PORT\` | set by the kubelet: the API server of the pod |
| \`PHASE\`, \`TARGET_VERSION\`, \`NODE_NAME\` | the step of a chain Job, set by its manifest |
| \`NO_COLOR\` | not empty: no colours |
`;

/** docs/configuration.md: every key with type, unit, default and reason, by groups. */
export function configurationDoc(schema: SchemaNode): string {
  const fields = fieldsOf(schema);
  const top = fields.filter((field) => !field.key.includes('.') && !isGroup(field));
  const groups = fields.filter(isGroup);
  return [
    HEAD,
    ...section('Top level', top),
    ...groups.flatMap((group) =>
      section(
        `\`${group.key}\``,
        fields.filter((field) => field.key.startsWith(`${group.key}.`)),
      ),
    ),
    ...top.flatMap((field) => listed(field, fields)),
    ENVIRONMENT,
    '## All defaults\n',
    '```yaml',
    stringify(Settings.parse({})).trimEnd(),
    '```',
    '',
  ].join('\n');
}

function section(title: string, fields: readonly SchemaField[]): readonly string[] {
  return [
    `## ${title}\n`,
    '| key | type | default | what, and why the default |',
    '|---|---|---|---|',
    ...fields.map(row),
    '',
  ];
}

/** The keys under a documented object, for example of the elements of a list. */
function listed(field: SchemaField, all: readonly SchemaField[]): readonly string[] {
  const under = all.filter(({ key }) => key.startsWith(`${field.key}.`) || key.startsWith(`${field.key}[].`));
  return under.length === 0 ? [] : section(`\`${field.key}\``, under);
}

function row({ key, node, required }: SchemaField): string {
  const unit = node.unit === undefined ? '' : `, ${node.unit}`;
  const preset = required ? '(required)' : `\`${JSON.stringify(node.default)}\``;
  const cells = [`\`${key}\``, `${typeOf(node)}${unit}`, preset, `${node.description ?? ''} *${node.reason ?? ''}*`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
