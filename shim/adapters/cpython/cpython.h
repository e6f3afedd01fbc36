// The one name of this folder that the engine knows.
#pragma once

#include "shim/adapter.h"

namespace interrupt {

// The adapter if there is a CPython in this process, otherwise null. Costs one look-up of a symbol and does not
// allocate.
const Adapter* cpython_adapter_if_present();

}  // namespace interrupt
