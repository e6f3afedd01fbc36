#include "control/stop_signals.h"

namespace interrupt::control {
namespace {

volatile std::sig_atomic_t stopped_by = 0;

}  // namespace

StopSignals::StopSignals() {
    stopped_by = 0;
    struct sigaction action {};
    action.sa_handler = [](int signal) { stopped_by = signal; };
    for (size_t i = 0; i < std::size(signals); ++i) {
        ::sigaction(signals[i], nullptr, &before_[i]);
        if (before_[i].sa_handler != SIG_IGN) {
            ::sigaction(signals[i], &action, nullptr);
        }
    }
}

StopSignals::~StopSignals() {
    for (size_t i = 0; i < std::size(signals); ++i) {
        ::sigaction(signals[i], &before_[i], nullptr);
    }
}

int StopSignals::came() {
    return stopped_by;
}

}  // namespace interrupt::control
