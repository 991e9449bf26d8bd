#pragma once

// All kinds at once, for those who check or list them all. Others include the kinds they need.

#include "catalog/kinds/automation.h"
#include "catalog/kinds/baseline.h"
#include "catalog/kinds/budget_policy.h"
#include "catalog/kinds/calendar.h"
#include "catalog/kinds/channel.h"
#include "catalog/kinds/communication_plan.h"
#include "catalog/kinds/component.h"
#include "catalog/kinds/environment.h"
#include "catalog/kinds/escalation_policy.h"
#include "catalog/kinds/kpi.h"
#include "catalog/kinds/person.h"
#include "catalog/kinds/priority.h"
#include "catalog/kinds/rule_group.h"
#include "catalog/kinds/runbook.h"
#include "catalog/kinds/schedule.h"
#include "catalog/kinds/scrape.h"
#include "catalog/kinds/slo.h"
#include "catalog/kinds/status_page.h"
#include "catalog/kinds/team.h"
#include "catalog/kinds/workload.h"
