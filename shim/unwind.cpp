// The personality routine of interposers' frames (INTERRUPT_MARK_FRAME): cancellation, pthread_exit and C++ exceptions
// leave a call without a return, and the record must not say *blocked* in the cleanup handlers that run then. Ours,
// since the one that -fexceptions brings is libstdc++'s.
#include <unwind.h>

#include "shim/delivery.h"
#include "shim/program_signals.h"

extern "C" [[gnu::visibility("hidden"), gnu::used]] _Unwind_Reason_Code interrupt_unwound(int, _Unwind_Action actions,
                                                                                          _Unwind_Exception_Class,
                                                                                          struct _Unwind_Exception*,
                                                                                          struct _Unwind_Context*) {
    if ((actions & _UA_CLEANUP_PHASE) != 0) {
        interrupt::thread_context.adapter_frame = nullptr;
        interrupt::let_nudge_in();
        if (interrupt::ThreadRecord* record = interrupt::own_record()) {
            interrupt::leave(*record);
        }
    }
    return _URC_CONTINUE_UNWIND;
}
