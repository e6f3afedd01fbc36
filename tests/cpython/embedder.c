/* Runs the Python program that is its argument. It names objects of libpython's, so that the linker gives it copies of
 * them, and the copies are what everybody uses. */
extern char _Py_TrueStruct[], PyUnicode_Type[];
void Py_Initialize(void);
int PyRun_SimpleStringFlags(const char* program, void* flags);

int main(int argc, char** argv) {
    char* volatile own_true = _Py_TrueStruct; /* by code, not by data: only that makes a copy */
    char* volatile own_str = PyUnicode_Type;
    Py_Initialize();
    return argc == 2 && own_true != own_str ? PyRun_SimpleStringFlags(argv[1], 0) != 0 : 2;
}
