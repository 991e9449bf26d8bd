// What customers reach: an order comes in, checkout takes it.   usage: PORT=… CHECKOUT=http://… node gateway.cjs
'use strict';
const { meter, log } = require('./telemetry.cjs').startTelemetry('gateway', process.env.VERSION ?? '1.0.0');
const { serve, call } = require('./http.cjs');

const checkout = process.env.CHECKOUT ?? 'http://127.0.0.1:18081';
const requests = meter.createCounter('shop.gateway.requests', { description: 'Orders that customers sent', unit: '{request}' });

async function order(_request, body) {
  const answer = await call('POST', `${checkout}/orders`, body).catch((error) => ({ status: 502, body: { error: error.message } }));
  const outcome = answer.status < 500 ? 'ok' : 'failed';
  requests.add(1, { outcome });
  if (outcome === 'failed') log('ERROR', `order refused: ${answer.body.error}`, { 'order.item': body.item ?? '' });
  return [answer.status, answer.body];
}

serve('gateway', Number(process.env.PORT ?? 18080), {
  'POST /orders': order,
  'GET /healthz': async () => [200, { ok: true }],
});
