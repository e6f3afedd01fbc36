"""The module libinterrupt as it is installed, where the shim is not loaded or serves nobody; and its type stub."""
import ast
import inspect
import os
import site
import sys
import tempfile
import zipfile

PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'control', 'python')


def module():
    sys.path.insert(0, PACKAGE)
    import libinterrupt
    assert os.path.samefile(os.path.dirname(libinterrupt.__file__), os.path.join(PACKAGE, 'libinterrupt'))
    return libinterrupt


def every_call_of(libinterrupt):
    async def coroutine():
        pass
    unused = coroutine()
    yield lambda: libinterrupt.interrupt(1)
    yield lambda: libinterrupt.is_interrupted()
    yield lambda: libinterrupt.is_interrupted(1)
    yield libinterrupt.clear_interrupt
    yield libinterrupt.check_interrupt
    yield libinterrupt.periodic_checkpoint
    yield libinterrupt.critical_section
    yield libinterrupt.interrupts_disabled
    yield lambda: libinterrupt.mask('none')
    yield libinterrupt.wakeup_fd
    yield lambda: libinterrupt.run_interruptible(unused)
    yield lambda: libinterrupt.InterruptibleThread().interrupt()
    yield lambda: libinterrupt.InterruptibleThread().is_interrupted()
    unused.close()


def refuses(sentences):
    libinterrupt = module()
    assert not libinterrupt.available()
    for call in every_call_of(libinterrupt):
        try:
            call()
        except RuntimeError as error:
            assert all(sentence in str(error) for sentence in sentences), error
        else:
            raise AssertionError('it has done something')


def says_that_the_shim_is_not_loaded():
    refuses(['is not loaded', '`interruptctl run PROGRAM ARGS...`', 'LD_PRELOAD='])


def says_that_the_shim_serves_nobody():
    refuses(['it has left this Python interpreter alone', '`interruptctl doctor %d`' % os.getpid()])


def leaves_a_program_as_it_is():
    """The class can be named, and threads run."""
    libinterrupt = module()
    assert issubclass(libinterrupt.ThreadInterrupted, BaseException)
    assert not issubclass(libinterrupt.ThreadInterrupted, Exception)
    assert libinterrupt.ThreadInterrupted.__module__ == 'libinterrupt'
    ran = []
    thread = libinterrupt.InterruptibleThread(target=ran.append, args=(1,))
    thread.start()
    try:
        thread.join()
    except libinterrupt.ThreadInterrupted:
        raise AssertionError
    assert ran == [1]


def imports_nothing_else():
    before = set(sys.modules)
    libinterrupt = module()
    assert set(sys.modules) - before <= {'libinterrupt', 'errno'}, set(sys.modules) - before
    libinterrupt.InterruptibleThread
    assert 'threading' in sys.modules
    assert libinterrupt.InterruptibleThread is libinterrupt.InterruptibleThread
    try:
        libinterrupt.no_such_name
    except AttributeError as error:
        assert str(error) == "module 'libinterrupt' has no attribute 'no_such_name'"
    names = {}
    exec('from libinterrupt import *', names)
    names.pop('__builtins__')
    assert sorted(names) == libinterrupt.__all__ == sorted(name for name in dir(libinterrupt) if name[0] != '_')
    assert all(names[name].__doc__ for name in names)


def signature_in_stub(function):
    """An inspect.Signature without annotations."""
    kinds = inspect.Parameter
    arguments = function.args
    assert not arguments.vararg and not arguments.kwarg

    def parameter(argument, kind, default):
        value = kinds.empty if default is None else ast.literal_eval(default)
        return kinds(argument.arg, kind, default=value)
    missing = [None] * (len(arguments.args) - len(arguments.defaults))
    parameters = [parameter(argument, kinds.POSITIONAL_OR_KEYWORD, default)
                  for argument, default in zip(arguments.args, missing + arguments.defaults)]
    parameters += [parameter(argument, kinds.KEYWORD_ONLY, default)
                   for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults)]
    return inspect.Signature(parameters)


def own_methods(kind):
    special = '__init__', '__enter__', '__exit__', '__call__'
    return {name for name, value in vars(kind).items()
            if name in special or (inspect.isfunction(value) and name[0] != '_')}


def agrees_with_its_stub():
    libinterrupt = module()
    with open(os.path.join(PACKAGE, 'libinterrupt', '__init__.pyi')) as stub:
        tree = ast.parse(stub.read())
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
            value = getattr(libinterrupt, node.name)
            assert inspect.signature(value) == signature_in_stub(node), node.name
        elif isinstance(node, ast.ClassDef):
            names.add(node.name)
            kind = getattr(libinterrupt, node.name)
            assert inspect.isclass(kind)
            bases = [base.id for base in node.bases]
            assert bases == [base.__name__ for base in kind.__bases__ if base is not object], bases
            methods = {method.name: method for method in node.body if isinstance(method, ast.FunctionDef)}
            assert set(methods) == own_methods(kind), (node.name, methods, own_methods(kind))
            for method in methods.values():
                if inspect.ismemberdescriptor(vars(kind)[method.name]):
                    continue  # what is called is written in C, for each object
                assert inspect.signature(vars(kind)[method.name]) == signature_in_stub(method), method.name
    assert names == set(libinterrupt.__all__), names ^ set(libinterrupt.__all__)
    assert os.path.exists(os.path.join(PACKAGE, 'libinterrupt', 'py.typed'))


def is_found_when_it_was_installed_to_be_edited():
    sys.path.insert(0, PACKAGE)
    import build_backend
    sys.path.remove(PACKAGE)
    with tempfile.TemporaryDirectory() as directory:
        with zipfile.ZipFile(os.path.join(directory, build_backend.build_editable(directory))) as wheel:
            wheel.extractall(directory)
        site.addsitedir(directory)
        import libinterrupt
    assert os.path.samefile(os.path.dirname(libinterrupt.__file__), os.path.join(PACKAGE, 'libinterrupt'))


def version():
    print(module().__version__)


if __name__ == '__main__':
    globals()[sys.argv[1]]()
