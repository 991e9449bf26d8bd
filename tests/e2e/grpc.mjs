// A gRPC client of unary calls on raw bytes, small enough to say hostile things: frames that lie, bodies that are no protobuf.
// Source: gRPC over HTTP2 (grpc/doc/PROTOCOL-HTTP2.md).
import http2 from 'node:http2';

export const kMetrics = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
export const kLogs = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
export const kTraces = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

/** Length-prefixed message; `isCompressed` and `length` may lie. */
export function frame(body, { isCompressed = false, length = body.length } = {}) {
  const head = Buffer.alloc(5);
  head.writeUInt8(isCompressed ? 1 : 0, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}

/** The call's status and message; status -1 when the connection ended without one. */
export function call(port, path, bytes, { headers = {}, ms = 15_000 } = {}) {
  return new Promise((resolve) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    let settled = false;
    const end = (status, message = '') => {
      if (settled) return;
      settled = true;
      clearTimeout(late);
      session.destroy();
      resolve({ status: Number(status), message: decodeURIComponent(message) });
    };
    const late = setTimeout(() => end(-1, 'no answer in time'), ms);
    session.on('error', (error) => end(-1, error.message));
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers });
    const look = (fields) => fields['grpc-status'] !== undefined && end(fields['grpc-status'], fields['grpc-message']);
    stream.on('response', look);
    stream.on('trailers', look);
    stream.on('error', (error) => end(-1, error.message));
    stream.on('close', () => end(-1, 'closed'));
    stream.resume();
    stream.end(bytes);
  });
}
