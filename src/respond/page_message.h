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
  std::string subject;  ///< one line of at most 300 bytes, with the incident's id
  std::string text;     ///< plain, lines of at most 78 characters where names allow
  Json body;            ///< for webhooks
  std::string slack;    ///< Slack's mrkdwn, with &, < and > escaped in what others wrote
};

/// `page`: the page's id; `page_url` of the links may be empty.
PageMessage page_message(const Incident& incident, const std::string& page, const PageLinks& links,
                         Timestamp now);

}  // namespace wellrun::respond
