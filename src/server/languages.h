#pragma once

#include "catalog/check.h"

namespace wellrun::server {

/// Who reads the languages that resources hold: telemetry's PromQL, health's alert templates.
catalog::Languages languages();

}  // namespace wellrun::server
