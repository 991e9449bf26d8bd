import { expect, test } from 'vitest';
import { answer, ApiError, readCookie } from './api';

const refused = new Response(null, { status: 409 });

test('a problem document becomes an error that says what to do', async () => {
  const problem = {
    title: 'Conflict',
    detail: 'inc-0001 is resolved; open a new one',
    context: 'inc-0001',
  };
  const error = await answer(Promise.resolve({ error: problem, response: refused })).catch(
    (it: unknown) => it,
  );
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 409, message: 'inc-0001 is resolved; open a new one' });
});

test("Prometheus' envelope is understood too", async () => {
  const envelope = { status: 'error', errorType: 'bad_data', error: 'unexpected end of input' };
  await expect(
    answer(Promise.resolve({ error: envelope, response: refused })),
  ).rejects.toMatchObject({ title: 'bad_data', detail: 'unexpected end of input' });
});

test('no answer at all is told apart from a refusal', async () => {
  await expect(answer(Promise.reject(new TypeError('fetch failed')))).rejects.toMatchObject({
    status: 0,
  });
});

test('a cookie is found by its whole name', () => {
  expect(readCookie('csrf', 'other_csrf=no; csrf=a%3Db')).toBe('a=b');
  expect(readCookie('csrf', '')).toBe('');
});
