'''Interrupts threads that wait.'''
from _imp import get_frozen_object as _native
ThreadInterrupted = _native('libinterrupt.native').ThreadInterrupted
del _native
