// While requests are out, the signals that end a command only make it withdraw them first.
#pragma once

#include <csignal>
#include <iterator>

namespace interrupt::control {

class StopSignals {
public:
    // One at a time.
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    // The one that came since the newest was made, also when that is gone; 0: none.
    static int came();

private:
    static constexpr int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction before_[std::size(signals)];
};

}  // namespace interrupt::control
