// The OpenTelemetry SDK as any team would set it up: traces, metrics and logs over OTLP/HTTP, HTTP instrumented.
'use strict';
process.env.OTEL_SEMCONV_STABILITY_OPT_IN ??= 'http';
process.env.OTEL_EXPORTER_OTLP_ENDPOINT ??= 'http://127.0.0.1:4318';

const { metrics, trace } = require('@opentelemetry/api');
const { logs, SeverityNumber } = require('@opentelemetry/api-logs');
const { OTLPLogExporter } = require('@opentelemetry/exporter-logs-otlp-proto');
const { OTLPMetricExporter } = require('@opentelemetry/exporter-metrics-otlp-proto');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { Resource } = require('@opentelemetry/resources');
const { BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
const { PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { NodeSDK } = require('@opentelemetry/sdk-node');

const EXPORT_EVERY_MS = 1000;

/** Starts the SDK for one service; returns what the service reports with. Call before requiring node:http. */
function startTelemetry(service, version) {
  const sdk = new NodeSDK({
    resource: new Resource({
      'service.name': service,
      'service.namespace': 'shop',
      'service.version': version,
      'service.instance.id': `${service}-1`,
    }),
    traceExporter: new OTLPTraceExporter(),
    metricReader: new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter(),
      exportIntervalMillis: EXPORT_EVERY_MS,
      exportTimeoutMillis: EXPORT_EVERY_MS,
    }),
    logRecordProcessors: [new BatchLogRecordProcessor(new OTLPLogExporter(), { scheduledDelayMillis: EXPORT_EVERY_MS })],
    instrumentations: [new HttpInstrumentation()],
  });
  sdk.start();

  const logger = logs.getLogger(service);
  const log = (severityText, body, attributes = {}) =>
    logger.emit({ severityNumber: SeverityNumber[severityText], severityText, body, attributes });

  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => sdk.shutdown().catch(() => {}).finally(() => process.exit(0)));
  }
  return { meter: metrics.getMeter(service), tracer: trace.getTracer(service), log };
}

module.exports = { startTelemetry };
