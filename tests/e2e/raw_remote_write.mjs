// Remote write bodies by hand: what no well-behaved sender would send must be made here, too.

function varint(value) {
  const out = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Buffer.from(out);
}

export const field = (number, bytes) => Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
export const text = (number, value) => field(number, Buffer.isBuffer(value) ? value : Buffer.from(value));

export function sample(value, timeMs) {
  const bits = Buffer.alloc(8);
  if (typeof value === 'bigint') bits.writeBigUInt64LE(value);
  else bits.writeDoubleLE(value);
  return field(2, Buffer.concat([Buffer.from([9]), bits, Buffer.from([16]), varint(timeMs)]));
}

/** One series of remote write 1.0; labels as pairs, in the order given. */
export const series = (labels, ...samples) => field(1, Buffer.concat([...labels.map(([name, value]) => field(1, Buffer.concat([text(1, name), text(2, value)]))), ...samples]));

/** Snappy's block format with literals only. */
export function snappy(plain) {
  const parts = [varint(plain.length)];
  for (let at = 0; at < plain.length; at += 60_000) {
    const piece = plain.subarray(at, at + 60_000);
    const head = Buffer.alloc(3);
    head[0] = 61 << 2;
    head.writeUInt16LE(piece.length - 1, 1);
    parts.push(head, piece);
  }
  return Buffer.concat(parts);
}

export const write = (server, plain, headers = {}) => server.ask('POST', '/api/v1/write', snappy(plain), { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', ...headers });
