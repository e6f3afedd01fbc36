// The mapped table belongs to another process, which may cut the file short at any moment; touching a page that is
// gone is SIGBUS. While a FaultGuard lives, such a page is replaced by an empty private one and the accident is
// remembered, so that every access goes on to its end (a record lock included: the lock went with the page) and the
// command can say what happened.
//
// There may be many at once, in any threads. Other SIGBUSes are handed to the handler that was there before: this code
// also runs inside programs that have one.
#pragma once

#include <cstddef>

namespace interrupt::control {

class FaultGuard {
public:
    FaultGuard(void* mapping, size_t size);
    // The mapping must still be there.
    ~FaultGuard();
    FaultGuard(const FaultGuard&) = delete;
    FaultGuard& operator=(const FaultGuard&) = delete;

    // A page of the mapping was missing: nothing read from it since then means anything.
    bool damaged() const;

    struct Area;

private:
    Area& area_;
};

}  // namespace interrupt::control
