#include "control/storm.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <list>

#include "control/interruption_round.h"
#include "control/stop_signals.h"

namespace interrupt::control {
namespace {

constexpr uint64_t microsecond = 1'000;
constexpr uint64_t second = 1'000'000'000;

class Storm {
public:
    Storm(const Process& process, TableFile& table, const StormPlan& plan)
        : process_(process), table_(table), plan_(plan), choices_(plan.seed) {}

    StormReport run() {
        ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // short sleeps are to be short
        const StopSignals stop_signals;
        const uint64_t start = monotonic_now();
        try {
            rage(start);
        } catch (const Failure& failure) {
            end_with_process(failure);
        }
        report_.seconds = static_cast<double>(monotonic_now() - start) / second;
        withdraw_all();
        return std::move(report_);
    }

private:
    struct Pending {
        Interruption interruption;
        size_t outcome;
        uint64_t until;
        bool given_up = false;
    };

    void rage(uint64_t start) {
        uint64_t first = start;  // when request number 0 was due, as if none had been late
        for (uint64_t number = 0;;) {
            const uint64_t now = monotonic_now();
            if (StopSignals::came()) {
                report_.end = StormReport::End::signal;
                return;
            }
            if (plan_.duration != 0 && now - start >= plan_.duration) {
                return;
            }
            settle(now);
            uint64_t due = first + due_after(number);
            if (now > due + second) {  // suspended, or too much to do: what was missed is not made up for
                first += now - due;
                due = now;
            }
            if (now >= due) {
                send();
                ++number;
                continue;
            }
            const uint64_t end = plan_.duration != 0 ? start + plan_.duration : UINT64_MAX;
            const uint64_t look = now + (pending_.empty() ? second / 10 : 200 * microsecond);
            sleep_until(std::min({due, end, look}));
        }
    }

    uint64_t due_after(uint64_t number) const {
        return static_cast<uint64_t>(static_cast<double>(number) * second / plan_.rate);
    }

    static void sleep_until(uint64_t time) {
        const timespec when{static_cast<time_t>(time / second), static_cast<long>(time % second)};
        ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr);
    }

    // At most a twentieth of the time goes into looking who there is.
    void refresh_candidates() {
        const uint64_t before = monotonic_now();
        if (before < next_refresh_) {
            return;
        }
        candidates_.clear();
        const auto matches = [this](const RecordView& record) {
            return record.state.blocked() && is_one_of(plan_.calls, record.state.call());
        };
        if (plan_.anywhere && plan_.name.empty()) {
            candidates_ = process_.tasks();
        } else if (plan_.name.empty() && process_.status().ids.size() <= 1) {
            for (const TableFile::Found& found : table_.records()) {
                if (matches(found.record)) {
                    candidates_.push_back(static_cast<pid_t>(found.record.tid));
                }
            }
            std::sort(candidates_.begin(), candidates_.end());
        } else {
            for (const ThreadView& thread : observe_all(process_, table_)) {
                if (thread.named_like(plan_.name) && (plan_.anywhere || (thread.record && matches(*thread.record)))) {
                    candidates_.push_back(thread.id.here);
                }
            }
        }
        if (candidates_.empty()) {
            require_process();
        }
        const uint64_t after = monotonic_now();
        next_refresh_ = after + 20 * (after - before);
    }

    void require_process() const {
        if (!process_.exists()) {
            throw Failure(Status::not_found, text("process ", process_.pid(), " has ended."));
        }
        if (!table_.still_mapped()) {
            throw Failure(Status::not_under_shim, text("process ", process_.pid(), " has called exec."));
        }
    }

    void send() {
        ++report_.chosen;
        refresh_candidates();
        if (candidates_.empty()) {
            ++report_.nobody;
            return;
        }
        const auto [chosen, outcome] = choices_.next(candidates_.size(), plan_.wanted.size());
        const pid_t tid = candidates_[chosen];
        if (std::any_of(pending_.begin(), pending_.end(),
                        [tid](const Pending& pending) { return pending.interruption.thread().id.here == tid; })) {
            ++report_.busy;
            return;
        }
        const auto thread = observe(process_, table_, tid);
        if (!thread) {
            require_process();
        }
        if (!thread ||
            (!plan_.anywhere && (!thread->blocked() || !is_one_of(plan_.calls, thread->record->state.call())))) {
            next_refresh_ = 0;
            ++report_.elsewhere;
            return;
        }
        Order order;
        order.wanted = plan_.wanted[outcome];
        order.timeout = plan_.timeout;
        order.this_wait = !plan_.anywhere;
        ++report_.requests;
        pending_.push_back({Interruption(process_, table_, *thread, order), outcome, monotonic_now() + plan_.timeout});
        pending_.back().interruption.begin();
    }

    void settle(uint64_t now) {
        pursuit_.begin_round(now);
        for (auto pending = pending_.begin(); pending != pending_.end();) {
            pending->given_up ? Pursuit::look(pending->interruption) : pursuit_.follow(pending->interruption);
            if (now >= pending->until) {
                give_up(*pending, false);
            }
            if (pending->interruption.settled()) {
                count(*pending);
                pending = pending_.erase(pending);
            } else {
                ++pending;
            }
        }
    }

    // One that is on its way to be raised comes back a little later.
    static void give_up(Pending& pending, bool by_user) {
        if (!pending.interruption.settled() && !pending.given_up) {
            pending.given_up = true;
            pending.interruption.give_up(by_user);
        }
    }

    void count(const Pending& pending) {
        const InterruptResult& result = pending.interruption.result();
        ++report_.results[result_name(result.word)];
        if (result.word != InterruptResult::Word::delivered) {
            ++report_.reasons[result.reason];
            return;
        }
        ++report_.outcomes[plan_.outcomes[pending.outcome]];
        const std::string call = result.call.substr(0, result.call.find('('));
        Latencies& there = report_.calls[call.empty() ? "(no call)" : call];
        if (result.latency) {
            there.ns.push_back(*result.latency);
            report_.latencies.ns.push_back(*result.latency);
        }
    }

    void withdraw_all() {
        try {
            for (Pending& pending : pending_) {
                give_up(pending, report_.end == StormReport::End::signal);
            }
            for (settle(0); !pending_.empty(); settle(0)) {
                sleep_until(monotonic_now() + 1000 * microsecond);
            }
        } catch (const Failure& failure) {
            end_with_process(failure);
        }
    }

    void end_with_process(const Failure& failure) {
        report_.end = StormReport::End::process;
        report_.why = failure.what();
        report_.status = failure.status();
    }

    const Process& process_;
    TableFile& table_;
    const StormPlan& plan_;
    StormChoices choices_;
    Pursuit pursuit_;
    std::vector<pid_t> candidates_;
    uint64_t next_refresh_ = 0;
    std::list<Pending> pending_;
    StormReport report_;
};

}  // namespace

StormChoices::Choice StormChoices::next(size_t threads, size_t outcomes) {
    const uint64_t first = random_();
    const uint64_t second_one = random_();
    return {static_cast<size_t>(first % threads), static_cast<size_t>(second_one % outcomes)};
}

uint64_t Latencies::at(double part) {
    if (ns.empty()) {
        return 0;
    }
    std::sort(ns.begin(), ns.end());
    const auto rank = static_cast<size_t>(std::ceil(part * static_cast<double>(ns.size())));
    return ns[std::min(ns.size(), std::max<size_t>(rank, 1)) - 1];
}

StormReport storm(const Process& process, TableFile& table, const StormPlan& plan) {
    return Storm(process, table, plan).run();
}

}  // namespace interrupt::control
