// A library with the names of CPython and nothing behind them: to be preloaded beside the shim, so that a program looks
// as if a Python of the version in STAND_IN_VERSION was in it.
#include <cstdlib>

#define EXPORTED extern "C" __attribute__((visibility("default")))

#define FUNCTION(ret, name, params)  \
    EXPORTED void* name() noexcept { \
        return nullptr;              \
    }
#define OPTIONAL FUNCTION
#define OBJECT(name)         \
    EXPORTED char name[512]; \
    char name[512];
#define OPTIONAL_OBJECT OBJECT
#define VARIABLE OBJECT
#define Py_GetVersion not_this_one
#include "shim/adapters/cpython/python_api.def"
#undef Py_GetVersion

EXPORTED const char* Py_GetVersion() {
    const char* const version = getenv("STAND_IN_VERSION");
    return version != nullptr ? version : "";
}
