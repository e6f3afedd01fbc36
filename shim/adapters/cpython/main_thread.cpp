// _thread.interrupt_main() marks a signal as arrived, and the main thread finds that when it next runs bytecode: bare,
// after its wait. Here it is nudged out of it, and the builtin looks for signals as it does after any EINTR (PEP 475).
// The same for a signal that the kernel has given to another thread.
#include "shim/adapters/cpython/main_thread.h"

#include <pthread.h>

#include <cstdio>

#include "shim/adapter.h"
#include "shim/adapters/cpython/blocking_builtin.h"
#include "shim/adapters/cpython/install.h"
#include "shim/adapters/cpython/special_builtins.h"
#include "shim/adapters/cpython/thread_start.h"
#include "shim/platform/platform.h"
#include "shim/process.h"

namespace interrupt::cpython {

namespace {

constinit pid_t main_tid = 0;
constinit pthread_t main_ident = 0;
constinit uint32_t main_epoch = 0;

}  // namespace

void set_main_thread() {
    main_tid = static_cast<pid_t>(os::gettid());
    main_ident = pthread_self();
    main_epoch = process.epoch;
    begin_initialisation();
    ThreadName name = {};
    snprintf(name.text, sizeof name.text, "MainThread");
    set_thread_name(name);
}

pid_t main_thread() {
    return main_epoch == process.epoch ? main_tid : process.pid;
}

bool in_main_thread() {
    return main_epoch == process.epoch ? pthread_self() == main_ident
                                       : may_call_kernel() && static_cast<pid_t>(os::gettid()) == process.pid;
}

bool signal_noted(const void* handler) {
    if (!is_python_text(handler)) {
        return false;
    }
    if (in_main_thread()) {
        return true;
    }
    nudge_for_signal(main_thread());
    return false;
}

PyObject* interrupt_main(const Patched& builtin, const Arguments& arguments) {
    PyObject* const result = builtin(arguments);
    if (result != nullptr && !in_main_thread()) {
        nudge_for_signal(main_thread());
    }
    return result;
}

}  // namespace interrupt::cpython
