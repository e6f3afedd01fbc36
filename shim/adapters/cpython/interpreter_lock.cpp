// From 3.7 on it lies in _PyRuntime (since 3.12 in the main interpreter, which is a part of that and begins with what
// points to it):
//
//     unsigned long interval; PyThreadState* last_holder; int locked; unsigned long switch_number; pthread_cond_t cond;
//
// (Include/internal/pycore_gil.h). It is found by its behaviour: `locked` is 1 beside our own thread state while we
// hold the lock, and 0 when we have released it. In 3.6 the thread state that holds it has a name,
// _PyThreadState_Current.
#include "shim/adapters/cpython/interpreter_lock.h"

#include <link.h>

#include <algorithm>
#include <atomic>

#include "shim/adapter.h"
#include "shim/adapters/cpython/async_exception.h"
#include "shim/adapters/cpython/python_api.h"

namespace interrupt::cpython {

namespace {

constexpr size_t locked_word = 1;  // from last_holder on
constexpr size_t condition_word = 3;

constexpr size_t condition_size = 6;
constexpr size_t lock_size = (1 + condition_word + condition_size) * sizeof(uint64_t);
constexpr size_t searched = 1024;          // words, from where it can begin or be pointed to
constexpr size_t runtime_size = 0x400000;  // bytes, at most
constexpr size_t most_candidates = 8;

struct Candidates {
    uint64_t* last_holder[most_candidates];
    size_t count = 0;

    void add(uint64_t* word) {
        if (count < most_candidates && std::find(last_holder, last_holder + count, word) == last_holder + count) {
            last_holder[count++] = word;
        }
    }
};

int locked_beside(const uint64_t* last_holder) {
    return static_cast<int>(
        std::atomic_ref(const_cast<uint64_t&>(last_holder[locked_word])).load(std::memory_order_relaxed));
}

// The words of the executable's, or the library's, own variables from an address on, as far as they are looked at.
size_t own_words(const void* begin) {
    size_t words = searched;
    while (words != 0 && !python_object.holds(begin, words * sizeof(uint64_t), PF_R | PF_W)) {
        words /= 2;
    }
    return words;
}

Candidates find_candidates(const void* thread_state) {
    Candidates found;
    const auto runtime = reinterpret_cast<uintptr_t>(python._PyRuntime);
    const auto consider = [&](uintptr_t last_holder) {
        auto* const word = reinterpret_cast<uint64_t*>(last_holder);
        if (*word == reinterpret_cast<uintptr_t>(thread_state) && locked_beside(word) == 1) {
            found.add(word);
        }
    };
    for (size_t i = own_words(python._PyRuntime); i-- > condition_word + condition_size;) {
        consider(runtime + (i - condition_word - condition_size) * sizeof(uint64_t));
    }
    const auto* const interpreter = static_cast<const uint64_t*>(main_interpreter);
    for (size_t i = own_words(interpreter); i-- > 0;) {
        const uintptr_t lock = interpreter[i];
        if (lock % sizeof(uint64_t) == 0 && lock - runtime < runtime_size &&
            python_object.holds(reinterpret_cast<const void*>(lock), lock_size, PF_R | PF_W)) {
            consider(lock + sizeof(uint64_t));
        }
    }
    return found;
}

// The last_holder that behaves; null if none does, or more than one.
uint64_t* find_last_holder(const void* thread_state) {
    const Candidates candidates = find_candidates(thread_state);
    void* const state = python.PyEval_SaveThread();
    bool released[most_candidates] = {};
    for (size_t i = 0; i < candidates.count; ++i) {
        released[i] = locked_beside(candidates.last_holder[i]) == 0;
    }
    python.PyEval_RestoreThread(state);
    uint64_t* found = nullptr;
    for (size_t i = 0; i < candidates.count; ++i) {
        if (released[i] && locked_beside(candidates.last_holder[i]) == 1) {
            if (found != nullptr) {
                return nullptr;
            }
            found = candidates.last_holder[i];
        }
    }
    return found;
}

uint64_t address(const void* object) {
    return reinterpret_cast<uintptr_t>(object);
}

}  // namespace

void find_interpreter_lock() {
    const void* const thread_state = python.current_thread_state();
    const size_t ident = ident_offset(thread_state);
    if (ident == 0) {
        return;
    }
    if (python._PyThreadState_Current != nullptr) {
        report_runtime_lock({address(python._PyThreadState_Current), 0, ident, 0});
    } else if (uint64_t* const holder = python._PyRuntime != nullptr ? find_last_holder(thread_state) : nullptr) {
        report_runtime_lock({address(holder), address(holder + locked_word), ident, address(holder + condition_word)});
    }
}

}  // namespace interrupt::cpython
