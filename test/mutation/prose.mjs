import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

const SPACE = /\s/;
const DECIDES = new Set(['ConditionalExpression', 'LogicalExpression']);

/**
 * What only says something is not changed: sentences are held by golden files and docs/messages.md, log lines decide
 * nothing. Words without a space are names, kinds and reasons, and stay; so does a sentence that decides what it says.
 */
const prose = {
  shouldIgnore(path) {
    const { node } = path;
    const call = node.type === 'ExpressionStatement' ? node.expression : node;
    if (call.type === 'CallExpression' && isLog(call.callee)) return 'a line of the log';
    if (node.type === 'StringLiteral' && SPACE.test(node.value)) return 'a sentence';
    if (node.type === 'TemplateLiteral' && node.quasis.some(({ value }) => SPACE.test(value.raw)) && !decides(path))
      return 'a sentence';
    return undefined;
  },
};

function isLog(callee) {
  if (callee.type !== 'MemberExpression') return false;
  const { object } = callee;
  return object.name === 'log' || (object.type === 'MemberExpression' && object.property.name === 'log');
}

function decides(path) {
  let found = false;
  path.traverse({
    enter({ node }) {
      if (DECIDES.has(node.type)) found = true;
    },
  });
  return found;
}

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'prose', prose)];
