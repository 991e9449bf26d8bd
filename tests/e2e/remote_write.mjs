// A remote write 1.0 request as bytes: protobuf by hand, snappy's block format with literals only.

function varint(value) {
  const bytes = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    if (rest < 0x80n) {
      bytes.push(low);
      return Buffer.from(bytes);
    }
    bytes.push(low | 0x80);
  }
}

const field = (tag, content) => Buffer.concat([Buffer.from([tag]), varint(content.length), content]);
const text = (tag, value) => field(tag, Buffer.from(value));

function sample([time, value]) {
  const number = Buffer.alloc(8);
  number.writeDoubleLE(value);
  return field(0x12, Buffer.concat([Buffer.from([0x09]), number, Buffer.from([0x10]), varint(Math.round(time))]));
}

function timeSeries({ labels, samples }) {
  const names = Object.keys(labels).sort();
  return field(0x0a, Buffer.concat([...names.map((name) => field(0x0a, Buffer.concat([text(0x0a, name), text(0x12, labels[name])]))), ...samples.map(sample)]));
}

function snappy(bytes) {
  const parts = [varint(bytes.length)];
  for (let at = 0; at < bytes.length; at += 65536) {
    const literal = bytes.subarray(at, at + 65536);
    parts.push(Buffer.from([61 << 2, (literal.length - 1) & 0xff, (literal.length - 1) >> 8]), literal);
  }
  return Buffer.concat(parts);
}

/** `series`: [{ labels: {__name__: …}, samples: [[milliseconds, value], …] }, …] */
export function writeRequest(series) {
  return snappy(Buffer.concat(series.map(timeSeries)));
}
