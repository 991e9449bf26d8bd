// Prices an order and reserves its item. The flag "new-pricing" switches the new price engine on; release 1.1.0 ships it
// with a fault: it cannot price what is not in its table, and fails.   usage: PORT=… INVENTORY=http://… node checkout.cjs
'use strict';
const { meter, log } = require('./telemetry.cjs').startTelemetry('checkout', process.env.VERSION ?? '1.0.0');
const { serve, call } = require('./http.cjs');

const inventory = process.env.INVENTORY ?? 'http://127.0.0.1:18082';
const flags = { 'new-pricing': false };
const orders = meter.createCounter('shop.orders', { description: 'Orders by what became of them', unit: '{order}' });
const revenue = meter.createCounter('shop.revenue', { description: 'Money taken', unit: '{EUR}' });
const duration = meter.createHistogram('shop.order.duration', { description: 'Time to take an order', unit: 's' });

const oldPrices = { book: 12, lamp: 40, chair: 85, desk: 240 };
const newPrices = { book: 13, lamp: 42 };

function price(item) {
  const table = flags['new-pricing'] ? newPrices : oldPrices;
  if (!(item in table)) throw new Error(`no price for ${item}`);
  return table[item];
}

async function takeOrder(_request, body) {
  const started = process.hrtime.bigint();
  let outcome = 'failed';
  try {
    const amount = price(body.item);
    const reserved = await call('POST', `${inventory}/reservations`, { item: body.item });
    if (reserved.status !== 201) throw new Error(`inventory answered ${reserved.status}`);
    outcome = 'ok';
    revenue.add(amount, { item: body.item });
    return [201, { item: body.item, amount }];
  } catch (error) {
    log('ERROR', `order failed: ${error.message}`, { 'order.item': String(body.item), 'flag.new_pricing': String(flags['new-pricing']) });
    return [500, { error: error.message }];
  } finally {
    orders.add(1, { outcome });
    duration.record(Number(process.hrtime.bigint() - started) / 1e9, { outcome });
  }
}

async function setFlag(_request, body) {
  flags['new-pricing'] = body.enabled === true;
  log('WARN', `flag new-pricing is now ${flags['new-pricing'] ? 'on' : 'off'}`);
  return [200, { 'new-pricing': flags['new-pricing'] }];
}

serve('checkout', Number(process.env.PORT ?? 18081), {
  'POST /orders': takeOrder,
  'PUT /flags/new-pricing': setFlag,
  'GET /flags/new-pricing': async () => [200, { enabled: flags['new-pricing'] }],
  'GET /healthz': async () => [200, { ok: true }],
});
