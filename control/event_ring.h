// What happens in a process while somebody records it: a ring of events in its table file, behind the injection rules.
// Written by its threads, and by whoever makes requests of them; read by one recorder (`interruptctl record`), which
// switches it on.
//
// Nobody waits for anybody: a writer takes the next number and writes its slot, whatever was there. Each event carries
// a sum of itself and of its number, so that the reader takes one that is half written, or that two writers have met
// in, a whole ring apart, for what it is: lost, and counted.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "control/thread_table_abi.h"

namespace interrupt {

// Values are part of the ABI.
enum class EventKind : uint8_t {
    wait = 1,        // a thread was in a call: from `time`, for `duration`
    request = 2,     // somebody made a request; `target`: whose thread id, as in LockWord
    delivery = 3,    // it ended the call; `duration`: since the request
    withdrawal = 4,  // it was taken back, or was dropped with the wait that it was for
    rule = 5,        // an injection rule acted; `target`: its index
    returned = 6,    // an adapter could not keep a delivery; the request is pending again
};

struct Event {
    uint64_t time = 0;      // CLOCK_MONOTONIC, ns
    uint64_t duration = 0;  // ns
    uint64_t target = 0;    // of a wait: as in ThreadRecord
    uint64_t caller = 0;    // of a wait: the return address of the call
    uint64_t wait = 0;      // State::wait() of the thread then
    uint32_t tid = 0;       // whom it is about, in the target's PID namespace
    uint32_t sequence = 0;  // of the request
    Call call = Call::running;
    uint16_t error = 0;  // as in Request
    EventKind kind = EventKind::wait;
    Outcome outcome = Outcome::none;
    uint8_t window = 0;  // of a delivery: Window
    uint8_t unused = 0;
};

struct EventWords {
    uint64_t words[7];

    // The sum of event `number` of a ring.
    constexpr uint64_t sum(uint64_t number) const {
        constexpr uint64_t factor = 0x9e3779b97f4a7c15;
        uint64_t sum = (number + 1) * factor;
        for (const uint64_t word : words) {
            sum = (std::rotl(sum, 29) ^ word) * factor;
        }
        return sum;
    }
};
static_assert(sizeof(Event) == sizeof(EventWords));

struct alignas(64) EventSlot {
    std::atomic<uint64_t> sum;
    std::atomic<uint64_t> words[7];
};

inline constexpr uint64_t ring_slots = 16384;

struct alignas(4096) EventRing {
    std::atomic<uint64_t> head;  // events so far, of all recordings: the number of the next one
    // Written by the recorder.
    alignas(64) std::atomic<uint64_t> read;     // it has taken, or given up, all below this number
    std::atomic<uint64_t> read_at;              // when it looked last: CLOCK_MONOTONIC, ns
    std::atomic<uint64_t> shortest;             // waits that took less are counted alone: ns
    alignas(64) std::atomic<uint64_t> shorter;  // how many those were, in all recordings

    alignas(4096) EventSlot slots[ring_slots];

    void write(const Event& event) {
        const uint64_t number = head.fetch_add(1, std::memory_order_relaxed);
        const auto whole = std::bit_cast<EventWords>(event);
        EventSlot& slot = slots[number % ring_slots];
        for (size_t i = 0; i < std::size(whole.words); ++i) {
            slot.words[i].store(whole.words[i], std::memory_order_relaxed);
        }
        slot.sum.store(whole.sum(number), std::memory_order_release);  // pairs with the acquire in take()
    }

    // False: it is not there (any more), or not whole.
    bool take(uint64_t number, Event& event) const {
        const EventSlot& slot = slots[number % ring_slots];
        const uint64_t sum = slot.sum.load(std::memory_order_acquire);
        EventWords whole;
        for (size_t i = 0; i < std::size(whole.words); ++i) {
            whole.words[i] = slot.words[i].load(std::memory_order_relaxed);
        }
        event = std::bit_cast<Event>(whole);
        return whole.sum(number) == sum;
    }
};

}  // namespace interrupt
