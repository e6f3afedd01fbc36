// What is asked of several threads at once, from the sending to the results: a step at a time, for whoever has other
// things to do meanwhile, or to its end.
#pragma once

#include <memory>
#include <vector>

#include "control/interruption.h"

namespace interrupt::control {

// What is done again and again for requests that are out, until they are settled: in rounds, each of which begins with
// begin_round() and goes to every one of them.
class Pursuit {
public:
    void begin_round(uint64_t now);
    // Looks, and nudges again when it is time.
    void follow(Interruption& interruption) const;
    static void look(Interruption& interruption);

private:
    uint64_t next_nudge_ = 0;
    uint64_t next_computing_ = 0;
    bool nudges_ = false;
    bool asks_computing_ = false;
};

class Round {
public:
    virtual ~Round() = default;

    // Sends what is to be sent, some of it each time; then looks what has become of it, and gives up when the time is
    // over. True when there is a result for each. Never waits.
    virtual bool step(uint64_t now) = 0;
    // Before the time is over: takes back at once what can be taken back. step() then comes to its end soon.
    virtual void give_up() = 0;
    // When step() has something to look at again, in ns from now.
    uint64_t pause();
    // One for each thread, in their order.
    virtual std::vector<InterruptResult> results() const = 0;

private:
    virtual bool all_sent() const = 0;

    uint64_t pause_ = 20'000;
};

// The round for an order: requests, or a plain signal.
std::unique_ptr<Round> make_round(const Process& process, TableFile& table, const std::vector<ThreadView>& threads,
                                  const Order& order);

// To the end, here and now. Nothing but this thread's timer slack is changed, and only meanwhile.
std::vector<InterruptResult> finish(Round& round);

// The same for a command: the signals that would end it make it take its requests back first.
std::vector<InterruptResult> finish_unless_stopped(Round& round);

// Posts all, then waits until each is settled or the time is over.
void interrupt_all(std::vector<Interruption>& interruptions, const Order& order);

}  // namespace interrupt::control
