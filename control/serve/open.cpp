// Where a session's words become a process: the fuzz target has another one in its place.
#include "control/serve/session.h"

namespace interrupt::control::serve {

std::shared_ptr<OpenProcess> Shared::open(pid_t pid) {
    if (auto process = open_[pid].lock(); process && process->current()) {
        return process;
    }
    std::erase_if(open_, [](const auto& entry) { return entry.second.expired(); });
    auto process = std::make_shared<OpenProcess>(pid);
    open_[pid] = process;
    return process;
}

}  // namespace interrupt::control::serve
