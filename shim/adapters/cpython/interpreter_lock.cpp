// From 3.7 to 3.13 it lies in _PyRuntime (in 3.12 and 3.13 in the main interpreter, which is a part of that):
//
//     unsigned long interval; PyThreadState* last_holder; int locked; unsigned long switch_number; pthread_cond_t cond;
//
// (Include/internal/pycore_gil.h). It is found by its behaviour: `locked` is 1 beside our own thread state while we
// hold the lock, and 0 when we have released it. In 3.6 the thread state that holds it has a name,
// _PyThreadState_Current.
#include "shim/adapters/cpython/interpreter_lock.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#include "shim/adapter.h"
#include "shim/adapters/cpython/async_exception.h"
#include "shim/adapters/cpython/python_api.h"

namespace interrupt::cpython {

namespace {

constexpr size_t locked_word = 1;  // from last_holder on
constexpr size_t condition_word = 3;

struct Words {
    uint64_t* at = nullptr;
    size_t count = 0;
};

Words runtime() {
    Dl_info info;
    const ElfW(Sym)* symbol = nullptr;
    if (python._PyRuntime == nullptr ||
        dladdr1(python._PyRuntime, &info, const_cast<void**>(reinterpret_cast<void const* const*>(&symbol)),
                RTLD_DL_SYMENT) == 0 ||
        symbol == nullptr || info.dli_saddr != python._PyRuntime) {
        return {};
    }
    return {reinterpret_cast<uint64_t*>(python._PyRuntime), symbol->st_size / sizeof(uint64_t)};
}

int locked_beside(const uint64_t* last_holder) {
    return static_cast<int>(
        std::atomic_ref(const_cast<uint64_t&>(last_holder[locked_word])).load(std::memory_order_relaxed));
}

// The last_holder that behaves; null if none does, or more than one.
uint64_t* find_last_holder(const void* thread_state) {
    constexpr size_t most = 8;
    uint64_t* candidates[most];
    size_t count = 0;
    const Words words = runtime();
    for (size_t i = 0; i + condition_word < words.count && count < most; ++i) {
        if (words.at[i] == reinterpret_cast<uintptr_t>(thread_state) && locked_beside(&words.at[i]) == 1) {
            candidates[count++] = &words.at[i];
        }
    }
    void* const state = python.PyEval_SaveThread();
    bool released[most] = {};
    for (size_t i = 0; i < count; ++i) {
        released[i] = locked_beside(candidates[i]) == 0;
    }
    python.PyEval_RestoreThread(state);
    uint64_t* found = nullptr;
    for (size_t i = 0; i < count; ++i) {
        if (released[i] && locked_beside(candidates[i]) == 1) {
            if (found != nullptr) {
                return nullptr;
            }
            found = candidates[i];
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
    } else if (uint64_t* const holder = find_last_holder(thread_state)) {
        report_runtime_lock({address(holder), address(holder + locked_word), ident, address(holder + condition_word)});
    }
}

}  // namespace interrupt::cpython
