#pragma once

// Without authentication a browser on this machine is the way in for any web page it visits.

#include "platform/http/message.h"

namespace wellrun {

/// kForbidden: a web page of another site had a browser send it (Fetch metadata, Origin), or the
/// name in Host is not this machine's (DNS rebinding). Programs send none of these.
Status check_is_local(const http::Request& request);

}  // namespace wellrun
