import { expect, test } from 'vitest';
import { recorded } from './recorded.ts';
import { jobBody, type Subject } from './subject.ts';

const LONG = 'x'.repeat(64);

export function errorContract(subject: () => Subject): void {
  test('what is not there is a 404 Status that names it', async () => {
    const pod = await subject().raw('GET', '/api/v1/namespaces/default/pods/nope');
    expect(pod.status).toBe(404);
    expect(pod.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'pods "nope" not found',
      reason: 'NotFound',
      details: { name: 'nope', kind: 'pods' },
      code: 404,
    });
    const job = await subject().raw('GET', '/apis/batch/v1/namespaces/default/jobs/nope');
    expect(job.body).toMatchObject({
      message: 'jobs.batch "nope" not found',
      details: { name: 'nope', group: 'batch', kind: 'jobs' },
    });
  });

  test.each([
    ['GET', 'configmaps/nope', 'application/json'],
    ['DELETE', 'configmaps/nope', 'application/json'],
    ['PATCH', 'configmaps/nope', 'application/merge-patch+json'],
    ['GET', 'pods/nope/log', 'application/json'],
  ])('%s of %s names the object, even where its namespace is not there', async (method, path, contentType) => {
    for (const namespace of ['default', 'no-such']) {
      const body = method === 'GET' ? undefined : {};
      const answer = await subject().raw(method, `/api/v1/namespaces/${namespace}/${path}`, body, { contentType });
      const kind = path.slice(0, path.indexOf('/'));
      expect(answer.body).toMatchObject({ code: 404, status: 'Failure', reason: 'NotFound' });
      expect(answer.body.details).toEqual({ name: 'nope', kind });
    }
  });

  test('an eviction of no pod names the pod, or the namespace that is not there', async () => {
    const evict = async (namespace: string): Promise<unknown> => {
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'nope', namespace } };
      const answer = await subject().raw('POST', `/api/v1/namespaces/${namespace}/pods/nope/eviction`, body);
      expect(answer.body).toMatchObject({ code: 404, status: 'Failure', reason: 'NotFound' });
      return answer.body.details;
    };
    expect(await evict('default')).toEqual({ name: 'nope', kind: 'pods' });
    expect(await evict('no-such')).toEqual({ name: 'no-such', kind: 'namespaces' });
  });

  test('an unknown resource is a 404 Status about no object, an unknown group a plain page', async () => {
    for (const path of ['/api/v1/foos', '/api/v1/namespaces/default/foos/a']) {
      const resource = await subject().raw('GET', path);
      expect(resource.body).toMatchObject({
        code: 404,
        reason: 'NotFound',
        message: 'the server could not find the requested resource',
      });
      expect(resource.body.details).toEqual({});
    }
    const group = await subject().raw('GET', '/apis/foo.example/v1/foos');
    expect([group.status, group.text]).toEqual([404, '404 page not found\n']);
  });

  test('client-node sees the Status as the raw body of its ApiException', async () => {
    const error = await subject()
      .core.readNode({ name: 'nope' })
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 404 });
    expect(JSON.parse(String((error as { body: unknown }).body))).toMatchObject({
      reason: 'NotFound',
      message: 'nodes "nope" not found',
    });
  });

  test('creating what is there already is 409 AlreadyExists', async () => {
    const namespace = await subject().namespace();
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    expect((await subject().raw('POST', path, jobBody('once'))).status).toBe(201);
    const again = await subject().raw('POST', path, jobBody('once'));
    expect(again.body).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'jobs.batch "once" already exists',
      details: { name: 'once', group: 'batch', kind: 'jobs' },
    });
  });

  test('creating in a namespace that is not there is 404 about the namespace', async () => {
    const answer = await subject().raw('POST', '/api/v1/namespaces/nope/configmaps', { metadata: { name: 'a' } });
    expect(answer.body).toMatchObject({
      code: 404,
      message: 'namespaces "nope" not found',
      details: { name: 'nope', kind: 'namespaces' },
    });
  });

  test.each([
    ['a Job name with capitals', 'batch/v1', 'jobs', jobBody('Bad_Name'), 'metadata.name'],
    ['a Job name of 64 characters', 'batch/v1', 'jobs', jobBody(LONG), 'spec.template.labels'],
    [
      'a label value of 64 characters',
      'v1',
      'configmaps',
      { metadata: { name: 'a', labels: { a: LONG } } },
      'metadata.labels',
    ],
    [
      'a label value with a slash',
      'v1',
      'configmaps',
      { metadata: { name: 'a', labels: { a: 'b/c' } } },
      'metadata.labels',
    ],
    [
      'a label key with a space',
      'v1',
      'configmaps',
      { metadata: { name: 'a', labels: { 'a b': 'c' } } },
      'metadata.labels',
    ],
    ['a name with an underscore', 'v1', 'configmaps', { metadata: { name: 'a_b' } }, 'metadata.name'],
    [
      'a CronJob name of 53 characters',
      'batch/v1',
      'cronjobs',
      { metadata: { name: 'x'.repeat(53) }, spec: { schedule: '0 1 * * *', jobTemplate: { spec: jobBody('x').spec } } },
      'metadata.name',
    ],
  ])('%s is 422 with the field as its cause', async (title, version, plural, body, field) => {
    const base = version === 'v1' ? '/api/v1' : `/apis/${version}`;
    const answer = await subject().raw('POST', `${base}/namespaces/default/${plural}`, body);
    expect([answer.status, answer.body.reason]).toEqual([422, 'Invalid']);
    await recorded(title, { message: answer.body.message, causes: answer.body.details.causes });
    expect(answer.body.details.causes.map((cause: { field: string }) => cause.field)).toContain(field);
  });

  test('a Job without containers or with restartPolicy Always is 422', async () => {
    const path = '/apis/batch/v1/namespaces/default/jobs';
    const empty = await subject().raw(
      'POST',
      path,
      jobBody('a', {}, { spec: { restartPolicy: 'Never', containers: [] } }),
    );
    expect(empty.body.message).toBe('Job.batch "a" is invalid: spec.template.spec.containers: Required value');
    const always = await subject().raw(
      'POST',
      path,
      jobBody('a', {}, { spec: { ...jobBody('a').spec.template.spec, restartPolicy: 'Always' } }),
    );
    expect(always.status).toBe(422);
    await recorded('a Job with restartPolicy Always', always.body.message);
  });

  test('a body that is no object of the kind is 400', async () => {
    const path = '/apis/batch/v1/namespaces/default/jobs';
    const garbage = await subject().raw('POST', path, '{garbage');
    expect([garbage.status, garbage.body.reason]).toEqual([400, 'BadRequest']);
    const other = await subject().raw('POST', path, {
      kind: 'CronJob',
      apiVersion: 'batch/v1',
      metadata: { name: 'a' },
    });
    expect([other.status, other.body.reason]).toEqual([400, 'BadRequest']);
    const elsewhere = await subject().raw('POST', '/api/v1/namespaces/default/configmaps', {
      metadata: { name: 'a', namespace: 'kube-system' },
    });
    expect(elsewhere.body).toMatchObject({
      code: 400,
      message: 'the namespace of the provided object does not match the namespace sent on the request',
    });
  });

  test('methods and media types that are not served are 405 and 415', async () => {
    const method = await subject().raw('PUT', '/api/v1/nodes');
    expect(method.body).toMatchObject({ code: 405, reason: 'MethodNotAllowed' });
    const type = await subject().raw('PATCH', '/api/v1/namespaces/default', {}, { contentType: 'application/json' });
    expect(type.body).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
  });

  test('a wrong token is 401, a known one without the right is 403 that says who, what and where', async () => {
    const wrong = await subject().raw('GET', '/api/v1/nodes', undefined, { token: 'wrong' });
    expect(wrong.body).toMatchObject({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
    const token = subject().server.readerToken;
    const nodes = await subject().raw('GET', '/api/v1/nodes', undefined, { token });
    expect(nodes.body).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: 'nodes is forbidden: User "reader" cannot list resource "nodes" in API group "" at the cluster scope',
      details: { kind: 'nodes' },
    });
    const job = await subject().raw('DELETE', '/apis/batch/v1/namespaces/default/jobs/a', undefined, { token });
    expect(job.body.message).toBe(
      'jobs.batch "a" is forbidden: User "reader" cannot delete resource "jobs" in API group "batch" in the namespace "default"',
    );
    const eviction = await subject().raw('POST', '/api/v1/namespaces/default/pods/a/eviction', {}, { token });
    expect(eviction.body.message).toBe(
      'pods "a" is forbidden: User "reader" cannot create resource "pods/eviction" in API group "" in the namespace "default"',
    );
  });

  test('I03 a SelfSubjectAccessReview tells what the asker may do', async () => {
    const ask = (token: string): ReturnType<Subject['raw']> =>
      subject().raw(
        'POST',
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        {
          spec: {
            resourceAttributes: { verb: 'create', resource: 'pods', subresource: 'eviction', namespace: 'default' },
          },
        },
        { token },
      );
    const admin = await ask(subject().server.adminToken);
    expect([admin.status, admin.body.status.allowed]).toEqual([201, true]);
    expect((await ask(subject().server.readerToken)).body.status.allowed).toBe(false);
  });

  test('health and version answer', async () => {
    for (const path of ['/readyz', '/livez', '/healthz']) {
      const answer = await subject().raw('GET', path);
      expect([answer.status, answer.text]).toEqual([200, 'ok']);
    }
    for (const check of ['readyz', 'livez']) {
      const verbose = await subject().raw('GET', `/${check}?verbose=`);
      expect(verbose.text).toMatch(/^\[\+\]ping ok\n/);
      expect(verbose.text).toMatch(new RegExp(`\\n${check} check passed\\n$`));
      expect((await subject().raw('GET', `/${check}/nope`)).status).toBe(404);
    }
    const version = await subject().raw('GET', '/version');
    expect(version.body).toMatchObject({ major: '1', gitVersion: expect.stringMatching(/^v1\.\d+\.\d+$/) });
  });
}
