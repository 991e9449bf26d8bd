#include "respond/html.h"

#include <fmt/format.h>

namespace wellrun::respond {

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string page_frame(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">"
      "<title>{0}</title><link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" "
      "href=\"/status.css\"></head><body><main><h1>{0}</h1>{1}</main></body></html>\n",
      escape_html(title), body);
}

std::string time_element(Timestamp time) {
  const auto text = format_rfc3339(time);
  return fmt::format("<time datetime=\"{}\">{} {} UTC</time>", text, text.substr(0, 10),
                     text.substr(11, 5));
}

std::string_view style_sheet() {
  return R"(:root{color-scheme:light dark;--ink:#1b1f24;--dim:#57606a;--ground:#fff;--line:#d0d7de;--good:#1a7f37;--warn:#9a6700;--bad:#cf222e}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9198a1;--ground:#0d1117;--line:#30363d;--good:#3fb950;--warn:#d29922;--bad:#ff7b72}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:2rem 1.25rem}h1{font-size:1.6rem;margin:0 0 .5rem}h2{font-size:1.15rem;margin:2.25rem 0 .5rem}
.overall{border:1px solid var(--line);border-left:.4rem solid;border-radius:.5rem;padding:1rem 1.25rem;margin:1.25rem 0;font-size:1.15rem;font-weight:600}
.operational{border-left-color:var(--good)}.degraded{border-left-color:var(--warn)}.outage{border-left-color:var(--bad)}
ul{list-style:none;margin:0;padding:0}li{border-bottom:1px solid var(--line);padding:.75rem 0;display:flex;gap:1rem;justify-content:space-between;flex-wrap:wrap}
.state{font-weight:600}.state.good{color:var(--good)}.state.warn{color:var(--warn)}.state.bad{color:var(--bad)}
.dim,time{color:var(--dim);font-size:.9rem}article{border:1px solid var(--line);border-radius:.5rem;padding:1rem 1.25rem;margin:1rem 0}article h3{margin:0 0 .25rem;font-size:1rem}
button{font:inherit;font-weight:600;padding:.9rem 1.6rem;border-radius:.5rem;border:0;background:#1f6feb;color:#fff}footer{margin-top:3rem}
.component{display:grid;grid-template-columns:1fr auto;gap:.35rem 1rem}.component svg{grid-column:1/-1;width:100%;height:1.6rem}
svg .operational{fill:var(--good)}svg .degraded{fill:var(--warn)}svg .outage{fill:var(--bad)}svg .unknown{fill:var(--line)}svg rect{stroke:none}
.ends{grid-column:1/-1;display:flex;justify-content:space-between}article.open{border-left:.4rem solid var(--warn)}article p{margin:.6rem 0}
)";
}

std::string_view status_script() {
  return R"(const zone = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const zoneName = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });
function inReadersZone() {
  for (const element of document.querySelectorAll('time')) {
    const moment = new Date(element.dateTime);
    element.textContent = zone.format(moment);
    element.title = zoneName.format(moment);
  }
}
async function refresh() {
  if (document.visibilityState !== 'visible') return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer || !answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  document.querySelector('main').replaceWith(page.querySelector('main'));
  inReadersZone();
}
inReadersZone();
setInterval(refresh, 60000);
)";
}

}  // namespace wellrun::respond
