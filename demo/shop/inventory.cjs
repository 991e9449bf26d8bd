// Keeps the shelves: a reservation takes one item, shelves are filled again.   usage: PORT=… node inventory.cjs
'use strict';
const { meter } = require('./telemetry.cjs').startTelemetry('inventory', process.env.VERSION ?? '1.0.0');
const { serve } = require('./http.cjs');

const stock = { book: 500, lamp: 500, chair: 500, desk: 500 };
const REFILL_EVERY_MS = 5000;

meter
  .createObservableGauge('shop.inventory.stock', { description: 'Items on the shelf', unit: '{item}' })
  .addCallback((result) => Object.entries(stock).forEach(([item, count]) => result.observe(count, { item })));
setInterval(() => Object.keys(stock).forEach((item) => (stock[item] = Math.min(500, stock[item] + 100))), REFILL_EVERY_MS).unref();

serve('inventory', Number(process.env.PORT ?? 18082), {
  'POST /reservations': async (_request, body) => {
    if (!(body.item in stock)) return [404, { error: `no item ${body.item}` }];
    if (stock[body.item] === 0) return [409, { error: `${body.item} is sold out` }];
    stock[body.item] -= 1;
    return [201, { item: body.item, left: stock[body.item] }];
  },
  'GET /healthz': async () => [200, { ok: true }],
});
