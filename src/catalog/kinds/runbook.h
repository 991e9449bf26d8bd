#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

struct RunbookInput {
  std::string name;
  std::string description;
  std::optional<std::string> default_value;
  bool required = false;
  bool secret = false;
  std::vector<std::string> references;  ///< of a secret: what may be given

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Something to be told when the runbook starts.");
    s.field("name", &RunbookInput::name, "Its name.").required().format("identifier");
    s.field("description", &RunbookInput::description, "What to give.");
    s.field("default", &RunbookInput::default_value,
            "Taken when nothing is given. Of a secret: a reference, as below.");
    s.field("required", &RunbookInput::required, "Whether the run is refused without it.");
    s.field("secret", &RunbookInput::secret,
            "Whether it is a secret: given as a reference, masked in output.");
    s.field("references", &RunbookInput::references,
            "Of a secret: the references that may be given, besides its default, files below the "
            "server's `secrets-folder`, and what another runbook or an automation hands over.")
        .format("secret-ref");
  }
};

struct RunStep {
  std::string command;  ///< sh -c
  TextMap env;
  bool network = false;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Runs a command in a sandbox.");
    s.field("command", &RunStep::command, "What `sh -c` runs.").required();
    s.field("env", &RunStep::env, "Environment variables.");
    s.field("network", &RunStep::network, "Whether it may use the network.");
  }
};

struct HttpStep {
  std::string method = "GET";
  std::string url;
  TextMap headers;
  std::string body;
  std::optional<int> expect_status;  ///< absent: any 2xx
  bool private_addresses = false;    ///< of a host that a template fills in

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Sends an HTTP request.");
    s.field("method", &HttpStep::method, "Method.")
        .one_of({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"});
    s.field("url", &HttpStep::url, "URL.").required();
    s.field("headers", &HttpStep::headers, "Headers.");
    s.field("body", &HttpStep::body, "Body.");
    s.field("expectStatus", &HttpStep::expect_status, "The status to get. Default: any 2xx.")
        .range(100, 599);
    s.field("privateAddresses", &HttpStep::private_addresses,
            "Whether a host that a template fills in may be a loopback or private address. One "
            "that is written out always may.");
  }
};

struct QueryStep {
  std::string expr;
  std::string condition;  ///< "< 0.05"
  Duration within = std::chrono::minutes(2);
  Duration every = std::chrono::seconds(5);

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Waits until a query meets a condition.");
    s.field("expr", &QueryStep::expr, "PromQL that gives one value.").required().format("promql");
    s.field("condition", &QueryStep::condition, "As `< 0.05`; operators < <= > >= == !=.")
        .required()
        .format("condition");
    s.field("within", &QueryStep::within, "It must hold by then.").positive();
    s.field("every", &QueryStep::every, "How often to look.").positive();
  }
};

struct WaitStep {
  Duration duration{0};

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Waits.");
    s.field("duration", &WaitStep::duration, "How long.").required().positive();
  }
};

struct ApproveStep {
  std::string role = "responder";
  std::string prompt;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Waits until someone approves.");
    s.field("role", &ApproveStep::role, "The lowest role that may approve.")
        .one_of({"responder", "operator", "admin"});
    s.field("prompt", &ApproveStep::prompt, "What is asked.").required();
  }
};

struct RunbookStep {
  Ref<Runbook> name;
  TextMap inputs;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Runs another runbook.");
    s.field("name", &RunbookStep::name, "Which.").required();
    s.field("inputs", &RunbookStep::inputs, "Its inputs.");
  }
};

/// One step: exactly one of run, http, query, wait, approve, runbook is set.
struct Step {
  std::string name;
  std::optional<RunStep> run;
  std::optional<HttpStep> http;
  std::optional<QueryStep> query;
  std::optional<WaitStep> wait;
  std::optional<ApproveStep> approve;
  std::optional<RunbookStep> runbook;
  Duration timeout = std::chrono::minutes(5);
  int retries = 0;
  bool repeatable = false;          ///< as written; see is_repeatable()
  std::string on_failure = "stop";  ///< stop or continue

  /// "run", "http", "query", "wait", "approve" or "runbook".
  const char* kind() const {
    return run       ? "run"
           : http    ? "http"
           : query   ? "query"
           : wait    ? "wait"
           : approve ? "approve"
                     : "runbook";
  }
  /// Whether doing it twice does no harm: as declared; http GET and HEAD, query and wait always.
  bool is_repeatable() const {
    return repeatable || query || wait ||
           (http && (http->method == "GET" || http->method == "HEAD"));
  }

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("One step: exactly one of run, http, query, wait, approve, runbook.");
    s.field("name", &Step::name, "Its name, unique in the runbook.").required();
    s.field("run", &Step::run, "Runs a command in a sandbox.");
    s.field("http", &Step::http, "Sends an HTTP request.");
    s.field("query", &Step::query, "Waits until a query meets a condition.");
    s.field("wait", &Step::wait, "Waits.");
    s.field("approve", &Step::approve, "Waits until someone approves.");
    s.field("runbook", &Step::runbook, "Runs another runbook.");
    s.field("timeout", &Step::timeout, "It has failed when not done by then.").positive();
    s.field("retries", &Step::retries, "How many more times it is tried.").range(0, 100);
    s.field("repeatable", &Step::repeatable,
            "Whether doing it twice does no harm; GET, query and wait always are. A step that is "
            "not, and was under way in a crash, asks a person what became of it.");
    s.field("onFailure", &Step::on_failure, "What then.").one_of({"stop", "continue"});
  }
};

/// A procedure, as steps that the server carries out.
struct Runbook {
  static constexpr const char* kKind = "Runbook";
  Metadata metadata;
  std::string title;
  std::string description;
  Ref<Team> owner;  ///< empty: the workload's
  Ref<Workload> workload;
  std::vector<RunbookInput> inputs;
  std::vector<Step> steps;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about(
        "A procedure, as steps that the server carries out. Texts may hold `{{inputs.name}}`, "
        "`{{incident.id}}`, `{{incident.workload}}` and `{{steps.<name>.output}}`.");
    s.field("title", &Runbook::title, "Heading.");
    s.field("description", &Runbook::description, "When to use it, and what it does.");
    s.field("owner", &Runbook::owner, "The team that keeps it right. Default: the workload's.");
    s.field("workload", &Runbook::workload, "The workload it is for.");
    s.field("inputs", &Runbook::inputs, "What to be told when it starts.");
    s.field("steps", &Runbook::steps, "What to do, in this order.").required().count(1, 200);
  }
};

}  // namespace wellrun::catalog
