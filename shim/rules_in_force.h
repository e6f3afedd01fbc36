// INTERRUPT_ON and INTERRUPT_GRACE, as far as they are obeyed.
#pragma once

#include <cstdint>

#include "control/signal_rules.h"

namespace interrupt {

class SignalRules {
public:
    constexpr SignalRules(const SignalRule* rules, int count) : rules_(rules), count_(count) {}
    const SignalRule* begin() const { return rules_; }
    const SignalRule* end() const { return rules_ + count_; }
    // The first rule for the signal; null if there is none.
    const SignalRule* of(int signal) const {
        for (const SignalRule& rule : *this) {
            if (rule.signal == signal) {
                return &rule;
            }
        }
        return nullptr;
    }

private:
    const SignalRule* rules_;
    int count_;
};

// INTERRUPT_ON and INTERRUPT_GRACE; once, in the constructor. What cannot be obeyed is left alone as a whole, and said
// in settings.ignored.
void read_signal_rules();

SignalRules signal_rules();
bool has_signal_rules();

// Calls `visit` with each signal that has a rule, once.
void each_ruled_signal(void (*visit)(int signal));

// How long the process's end waits for threads that a signal has interrupted, from the signal on.
uint64_t grace_ns();

}  // namespace interrupt
