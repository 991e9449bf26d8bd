// Customers: RATE orders a second, evenly spread.   usage: RATE=20 GATEWAY=http://… node load.cjs
'use strict';
const { call } = require('./http.cjs');

const gateway = process.env.GATEWAY ?? 'http://127.0.0.1:18080';
const rate = Number(process.env.RATE ?? 20);
const items = ['book', 'lamp', 'chair', 'desk'];
let sent = 0;

setInterval(() => {
  call('POST', `${gateway}/orders`, { item: items[sent++ % items.length] }).catch(() => {});
}, 1000 / rate);
