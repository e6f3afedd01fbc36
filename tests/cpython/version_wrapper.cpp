// Another preloaded library's interposer of a function of Python's: in a program without Python there is no next one.
#include <dlfcn.h>

extern "C" __attribute__((visibility("default"))) const char* Py_GetVersion() {
    return reinterpret_cast<const char* (*)()>(dlsym(RTLD_NEXT, "Py_GetVersion"))();
}
