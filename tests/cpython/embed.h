// What cpython_tests does as `--embed PYTHONHOME [LIBRARY]`: it has three interpreters, one after the other, of a
// libpython that is preloaded or that it loads late. Its exit status.
#pragma once

namespace cpython_test {

int embed(const char* home, const char* library);

}  // namespace cpython_test
