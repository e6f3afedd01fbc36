/* Runs the Python program that is its argument. It names objects of libpython's, so that the linker gives it copies of
 * them, and the copies are what everybody uses. */
extern char _Py_TrueStruct[], PyUnicode_Type[];
void Py_Initialize(void);
int PyRun_SimpleStringFlags(const char* program, void* flags);

char* volatile own_objects[] = {_Py_TrueStruct, PyUnicode_Type};

int main(int argc, char** argv) {
    Py_Initialize();
    return argc == 2 && own_objects[0] != own_objects[1] ? PyRun_SimpleStringFlags(argv[1], 0) != 0 : 2;
}
