#include "cli/serve.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/version.h"
#include "server/application.h"

namespace wellrun::cli {
namespace {

/// A duration option: "15d", "1h30m", "100y".
void add_duration(CLI::App& command, const std::string& name, Duration& target,
                  const std::string& environment, const std::string& help) {
  command
      .add_option_function<std::string>(
          name,
          [&target, name](const std::string& text) {
            const auto duration = parse_duration(text);
            if (!duration) throw CLI::ValidationError(name, duration.error().message);
            target = *duration;
          },
          help)
      ->envname(environment)
      ->default_str(format_duration(target));
}

int serve(Context& context, const server::Options& options) {
  if (const auto checked = server::check(options); !checked)
    return report(context, checked.error());
  auto application = server::Application::start(options);
  if (!application) return report(context, application.error());
  if (const auto token = (*application)->first_token()) {
    context.out("token: " + *token +
                "\n       (admin, shown only now; make others with: wellrun token create)\n");
  }
  context.out("ready: " + (*application)->url() + "\n");
  const auto stopped = (*application)->run_until_signal();
  return stopped ? 0 : report(context, stopped.error());
}

}  // namespace

void add_serve(CLI::App& app, Context& context, int& exit_code) {
  auto options = std::make_shared<server::Options>();
  options->version = kVersion;
  options->revision = kCommit;
  options->build_date = kBuildDate;
  auto* command = app.add_subcommand("serve", "Run the server");
  command->footer(
      "Precedence: flags, then environment (WELLRUN_…), then defaults.\n\nExamples:\n"
      "  wellrun serve                                  page and API on http://127.0.0.1:7070\n"
      "  wellrun serve --otlp-http-listen 127.0.0.1:4318 --otlp-grpc-listen 127.0.0.1:4317\n"
      "  wellrun serve --listen 0.0.0.0:7070 --tls-cert cert.pem --tls-key key.pem");
  const auto text = [&](const char* name, std::string& target, const char* environment,
                        const char* help) {
    command->add_option(name, target, help)->envname(environment)->capture_default_str();
  };
  text("--data", options->data, "WELLRUN_DATA", "folder for everything that is kept");
  text("--listen", options->listen, "WELLRUN_LISTEN", "address of page and API");
  text("--status-listen", options->status_listen, "WELLRUN_STATUS_LISTEN",
       "address of the public status page; none without it");
  text("--otlp-http-listen", options->otlp_http_listen, "WELLRUN_OTLP_HTTP_LISTEN",
       "address for OTLP over HTTP, usually 127.0.0.1:4318");
  text("--otlp-grpc-listen", options->otlp_grpc_listen, "WELLRUN_OTLP_GRPC_LISTEN",
       "address for OTLP over gRPC, usually 127.0.0.1:4317");
  text("--tls-cert", options->tls_certificate_file, "WELLRUN_TLS_CERT", "certificate chain (PEM)");
  text("--tls-key", options->tls_key_file, "WELLRUN_TLS_KEY", "its key (PEM)");
  text("--public-url", options->public_url, "WELLRUN_PUBLIC_URL",
       "how people reach the page; for links in messages");
  text("--enable-feature", options->features, "WELLRUN_ENABLE_FEATURE",
       "PromQL features, comma-separated, with Prometheus' names");
  add_duration(*command, "--retention", options->retention, "WELLRUN_RETENTION",
               "how long telemetry is kept");
  add_duration(*command, "--out-of-order-window", options->out_of_order_window,
               "WELLRUN_OUT_OF_ORDER_WINDOW", "how late a sample may come");
  command->add_flag("--no-auth", options->no_auth, "everyone is admin; only on loopback");
  command->add_flag("!--no-sandbox", options->sandbox,
                    "run commands of runbooks without bubblewrap");
  command->callback([&context, &exit_code, options] { exit_code = serve(context, *options); });
}

}  // namespace wellrun::cli
