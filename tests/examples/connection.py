"""A program to be tested: a worker reads from a connection on which nothing comes, and says how that ended."""
import socket
import threading

ours, theirs = socket.socketpair()


def work():
    try:
        ours.recv(100)
    except ConnectionResetError:
        print('the connection was reset')


worker = threading.Thread(target=work)
worker.start()
worker.join()
