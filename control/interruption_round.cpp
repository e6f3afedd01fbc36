#include "control/interruption_round.h"

#include <sys/prctl.h>

#include <algorithm>
#include <ctime>
#include <functional>

#include "control/plain_signal.h"
#include "control/stop_signals.h"

namespace interrupt::control {
namespace {

constexpr uint64_t millisecond = 1'000'000;

// Short sleeps are to be short.
class ShortSleeps {
public:
    ShortSleeps() : before_(::prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)) { ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); }
    ~ShortSleeps() { ::prctl(PR_SET_TIMERSLACK, std::max(before_, 1), 0, 0, 0); }

private:
    int before_;
};

void drive(Round& round, const std::function<bool()>& stopped) {
    const ShortSleeps short_sleeps;
    for (bool given_up = false; !round.step(monotonic_now());) {
        if (!given_up && stopped()) {
            given_up = true;
            round.give_up();
        } else {
            const timespec time{0, static_cast<long>(round.pause())};
            ::nanosleep(&time, nullptr);
        }
    }
}

class Requests : public Round {
public:
    Requests(std::vector<Interruption>& interruptions, uint64_t timeout)
        : interruptions_(interruptions), timeout_(timeout) {}

    bool step(uint64_t now) override {
        if (posted_ < interruptions_.size()) {
            post_some();
            return false;
        }
        pursuit_.begin_round(now);
        bool all_settled = true;
        size_t may_give_up = at_once;
        const bool time_over = now - start_ >= timeout_;
        for (size_t i = 0; i < interruptions_.size(); ++i) {
            Interruption& interruption = interruptions_[i];
            time_over ? Pursuit::look(interruption) : pursuit_.follow(interruption);
            if (!interruption.settled() && time_over && i >= given_up_ && may_give_up > 0) {
                interruption.give_up(false);
                given_up_ = i + 1;
                --may_give_up;
            }
            all_settled = all_settled && interruption.settled();
        }
        return all_settled;
    }

    void give_up() override {
        for (size_t i = given_up_; i < interruptions_.size(); ++i) {
            if (!interruptions_[i].settled()) {
                interruptions_[i].give_up(true);
            }
        }
        given_up_ = posted_ = interruptions_.size();
        start_ = 0;  // as if the time were over
    }

    bool all_sent() const override { return posted_ == interruptions_.size(); }

    std::vector<InterruptResult> results() const override {
        std::vector<InterruptResult> results;
        for (const Interruption& interruption : interruptions_) {
            results.push_back(interruption.result());
        }
        return results;
    }

private:
    void post_some() {
        for (size_t i = 0; i < at_once && posted_ < interruptions_.size(); ++i) {
            interruptions_[posted_++].begin();
        }
        start_ = monotonic_now();
    }

    static constexpr size_t at_once = 64;

    std::vector<Interruption>& interruptions_;
    uint64_t timeout_;
    uint64_t start_ = 0;
    Pursuit pursuit_;
    size_t posted_ = 0;    // so many of them
    size_t given_up_ = 0;  // so many of them, as far as they were not settled
};

struct HeldInterruptions {
    std::vector<Interruption> held;
};

class OwnRequests : private HeldInterruptions, public Requests {
public:
    OwnRequests(const Process& process, TableFile& table, const std::vector<ThreadView>& threads, const Order& order)
        : Requests(HeldInterruptions::held, order.timeout) {
        for (const ThreadView& thread : threads) {
            held.emplace_back(process, table, thread, order);
        }
    }
};

class PlainSignals : public Round {
public:
    PlainSignals(const Process& process, const std::vector<ThreadView>& threads, const Order& order) {
        for (const ThreadView& thread : threads) {
            signals_.emplace_back(process, thread.id.here, order.wanted.signal, order.timeout);
        }
    }

    bool step(uint64_t) override {
        for (; sent_ < signals_.size(); ++sent_) {
            signals_[sent_].send();
        }
        bool all = true;
        for (PlainSignal& signal : signals_) {
            all = signal.look() && all;
        }
        return all;
    }
    void give_up() override {
        for (PlainSignal& signal : signals_) {
            signal.give_up();
        }
    }
    bool all_sent() const override { return sent_ == signals_.size(); }
    std::vector<InterruptResult> results() const override {
        std::vector<InterruptResult> results;
        for (const PlainSignal& signal : signals_) {
            results.push_back(signal.result());
        }
        return results;
    }

private:
    std::vector<PlainSignal> signals_;
    size_t sent_ = 0;
};

}  // namespace

void Pursuit::begin_round(uint64_t now) {
    nudges_ = next_nudge_ != 0 && now >= next_nudge_;
    asks_computing_ = now >= next_computing_;
    next_nudge_ = nudges_ || next_nudge_ == 0 ? now + 10 * millisecond : next_nudge_;
    next_computing_ = asks_computing_ ? now + 5 * millisecond : next_computing_;
}

void Pursuit::look(Interruption& interruption) {
    if (!interruption.settled()) {
        interruption.look();
    }
}

void Pursuit::follow(Interruption& interruption) const {
    look(interruption);
    if (!interruption.settled() && nudges_) {
        interruption.nudge();
    }
    if (!interruption.settled() && asks_computing_) {
        interruption.nudge_if_computing();
    }
}

uint64_t Round::pause() {
    if (!all_sent()) {
        return 0;
    }
    const uint64_t pause = pause_;
    pause_ = std::min(pause_ * 3 / 2, millisecond);
    return pause;
}

std::unique_ptr<Round> make_round(const Process& process, TableFile& table, const std::vector<ThreadView>& threads,
                                  const Order& order) {
    if (order.wanted.signal != 0) {
        return std::make_unique<PlainSignals>(process, threads, order);
    }
    return std::make_unique<OwnRequests>(process, table, threads, order);
}

std::vector<InterruptResult> finish(Round& round) {
    drive(round, [] { return false; });
    return round.results();
}

std::vector<InterruptResult> finish_unless_stopped(Round& round) {
    {
        const StopSignals stop_signals;
        drive(round, [] { return StopSignals::came() != 0; });
    }
    if (StopSignals::came()) {
        ::raise(StopSignals::came());
    }
    return round.results();
}

void interrupt_all(std::vector<Interruption>& interruptions, const Order& order) {
    Requests requests(interruptions, order.timeout);
    finish_unless_stopped(requests);
}

}  // namespace interrupt::control
