// The one name of this folder that the engine knows.
#pragma once

#include "shim/adapter.h"

namespace interrupt {

// The adapter if there is a CPython in this process, otherwise null. Costs a look-up of a symbol and a walk over the
// loaded objects.
const Adapter* cpython_adapter_if_present(bool at_start);

}  // namespace interrupt
