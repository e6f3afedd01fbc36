// The operations on injection rules.
#pragma once

#include "control/serve/session.h"

namespace interrupt::control::serve {

// Each reads its fields, and throws Failure(usage) where they are wrong.
std::unique_ptr<Operation> inject(Session& session, Fields& fields);
std::unique_ptr<Operation> rules(Session& session, Fields& fields);
std::unique_ptr<Operation> clear_rules(Session& session, Fields& fields);

}  // namespace interrupt::control::serve
