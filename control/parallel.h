// The same work for many things, by as many threads as are of use.
#pragma once

#include <cstddef>
#include <functional>

namespace interrupt::control {

// Calls work(i) once for each i below `count`, at the same time for some of them; for few things by the calling thread
// alone. Throws what one of the calls has thrown, when all have ended.
void in_parallel(size_t count, const std::function<void(size_t)>& work);

}  // namespace interrupt::control
