#pragma once

// What a page says: the same facts for every channel. Pure.

#include <string>

#include "core/json.h"
#include "respond/incident.h"

namespace wellrun::respond {

struct PageLinks {
  std::string incident;     ///< the incident's page
  std::string acknowledge;  ///< one tap; empty: none
};

struct PageMessage {
  std::string subject;
  std::string text;   ///< plain, lines of at most 78 characters where names allow
  Json body;          ///< for webhooks
  std::string slack;  ///< Slack's mrkdwn, with &, < and > escaped in what others wrote
};

/// `page`: the page's id; `page_url` of the links may be empty.
PageMessage page_message(const Incident& incident, const std::string& page, const PageLinks& links,
                         Timestamp now);

/// A header value: line breaks and control characters become spaces, at most 200 bytes.
std::string header_text(std::string_view text);

}  // namespace wellrun::respond
