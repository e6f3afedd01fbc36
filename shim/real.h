// libc's functions behind our interposers, resolved once: the next definition after ours, so that another preloaded
// library's interposer keeps its turn.
#pragma once

#include <dlfcn.h>

#include <atomic>

namespace interrupt {

template <class Signature>
struct Real;

template <class Result, class... Parameters>
struct Real<Result(Parameters...)> {
    using Pointer = Result (*)(Parameters...);

    const char* name;
    const char* version = nullptr;
    const char* object = nullptr;  // the one library where it is looked for, whatever lies between
    std::atomic<Pointer> pointer = nullptr;

    // A definition without a version, as other preloaded libraries have it, is none to dlvsym; dlsym may find the wrong
    // one of libc's two.
    void* find() const {
        if (void* const library = object != nullptr ? dlopen(object, RTLD_LAZY | RTLD_NOLOAD) : nullptr) {
            void* const symbol = dlsym(library, name);
            dlclose(library);
            return symbol;
        }
        void* const any = dlsym(RTLD_NEXT, name);
        void* const versioned = version != nullptr ? dlvsym(RTLD_NEXT, name, version) : nullptr;
        if (any == versioned) {
            return any;  // dladdr() looks at every symbol of libc, which the start of each program would feel
        }
        Dl_info here;
        Dl_info there;
        const bool same_object =
            versioned != nullptr && (any == nullptr || dladdr(any, &here) == 0 || dladdr(versioned, &there) == 0 ||
                                     here.dli_fbase == there.dli_fbase);
        return same_object ? versioned : any;
    }

    // dlsym may call malloc, which may be somebody's preload that comes back to us: each function stands for itself,
    // and resolving one twice is harmless.
    Pointer resolve() {
        Pointer found = pointer.load(std::memory_order_relaxed);
        if (found == nullptr) {
            found = reinterpret_cast<Pointer>(find());
            pointer.store(found, std::memory_order_relaxed);
        }
        return found;
    }

    // Only once resolve_all() has been, or after resolve().
    [[gnu::always_inline]] Result operator()(Parameters... arguments) const {
        return pointer.load(std::memory_order_relaxed)(arguments...);
    }
};

}  // namespace interrupt
