// Threads of Java in all that they wait for: monitors, parking, sleep, sockets, selectors, pipes to a process; with
// collections of garbage, which stop them all, meanwhile. Each part prints what has to come out.
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.zip.CRC32;

public class Threads {
    interface Part { Object run() throws Exception; }

    static void part(String name, Part part) throws Exception {
        System.out.println(name + " " + part.run());
    }

    static Thread start(Callable<?> work, List<Throwable> failures) {
        Thread thread = new Thread(() -> {
            try {
                work.call();
            } catch (Throwable failure) {
                synchronized (failures) {
                    failures.add(failure);
                }
            }
        });
        thread.start();
        return thread;
    }

    static void join(List<Thread> threads, List<Throwable> failures) throws Exception {
        for (Thread thread : threads) {
            thread.join();
        }
        for (Throwable failure : failures) {
            throw new Exception(failure);
        }
    }

    static Object sockets(int clients, int rounds, int timeLimit) throws Exception {
        List<Throwable> failures = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        AtomicLong echoed = new AtomicLong();
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            for (int i = 0; i < clients; ++i) {
                final int number = i;
                threads.add(start(() -> {
                    try (Socket socket = new Socket(server.getInetAddress(), server.getLocalPort())) {
                        socket.setSoTimeout(timeLimit);
                        byte[] sent = new byte[100 + 1000 * number];
                        new Random(number).nextBytes(sent);
                        for (int round = 0; round < rounds; ++round) {
                            socket.getOutputStream().write(sent);
                            byte[] got = socket.getInputStream().readNBytes(sent.length);
                            if (!Arrays.equals(sent, got)) throw new IOException("other bytes");
                            echoed.addAndGet(got.length);
                        }
                    }
                    return null;
                }, failures));
            }
            for (int i = 0; i < clients; ++i) {
                Socket socket = server.accept();
                threads.add(start(() -> {
                    try (socket) {
                        socket.getInputStream().transferTo(socket.getOutputStream());
                    }
                    return null;
                }, failures));
            }
            join(threads, failures);
        }
        return echoed;
    }

    static Object monitors() throws Exception {
        Object monitor = new Object();
        int[] turn = {0};
        List<Throwable> failures = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; ++i) {
            final int number = i;
            threads.add(start(() -> {
                for (int round = 0; round < 300; ++round) {
                    synchronized (monitor) {
                        while (turn[0] % 4 != number) monitor.wait(number % 2 == 0 ? 0 : 60_000);
                        ++turn[0];
                        monitor.notifyAll();
                    }
                }
                return null;
            }, failures));
        }
        join(threads, failures);
        return turn[0];
    }

    static Object queues() throws Exception {
        SynchronousQueue<Integer> queue = new SynchronousQueue<>();
        ExecutorService pool = Executors.newFixedThreadPool(4);
        Future<Long> sum = pool.submit(() -> {
            long total = 0;
            for (int i = 0; i < 3000; ++i) total += queue.take();
            return total;
        });
        for (int part = 0; part < 3; ++part) {
            final int first = part * 1000;
            pool.submit(() -> {
                for (int i = 0; i < 1000; ++i) queue.put(first + i);
                return null;
            });
        }
        long total = sum.get();
        pool.shutdown();
        return total + " " + pool.awaitTermination(60, TimeUnit.SECONDS);
    }

    static Object sleeps() throws Exception {
        long begin = System.nanoTime();
        List<Throwable> failures = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        AtomicInteger tooShort = new AtomicInteger();
        for (int i = 0; i < 8; ++i) {
            threads.add(start(() -> {
                for (int round = 0; round < 10; ++round) {
                    long from = System.nanoTime();
                    Thread.sleep(10);
                    if (System.nanoTime() - from < 9_900_000) tooShort.incrementAndGet();
                }
                return null;
            }, failures));
        }
        join(threads, failures);
        return "too short: " + tooShort;
    }

    static Object interruptedByJava() throws Exception {
        List<Throwable> failures = new ArrayList<>();
        AtomicInteger interrupted = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 20; ++i) {
            Thread thread = start(() -> {
                try {
                    Thread.sleep(600_000);
                } catch (InterruptedException expected) {
                    interrupted.incrementAndGet();
                }
                return null;
            }, failures);
            threads.add(thread);
            thread.interrupt();
        }
        join(threads, failures);
        return interrupted;
    }

    // The JVM takes threads out of their calls by a signal of its own.
    static Object closedByAnother() throws Exception {
        AtomicInteger told = new AtomicInteger();
        List<Throwable> failures = new ArrayList<>();
        for (int round = 0; round < 20; ++round) {
            try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                 Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
                 Socket accepted = server.accept();
                 SocketChannel channel = SocketChannel.open(server.getLocalSocketAddress());
                 Socket other = server.accept()) {
                List<Closeable> all = List.of(client, server, channel);
                List<Callable<?>> waits = List.of(() -> client.getInputStream().read(), server::accept,
                                                  () -> channel.read(ByteBuffer.allocate(10)));
                List<Thread> threads = new ArrayList<>();
                for (Callable<?> wait : waits) {
                    threads.add(start(() -> {
                        try {
                            return wait.call();
                        } catch (SocketException | ClosedChannelException closed) {
                            return told.incrementAndGet();
                        }
                    }, failures));
                }
                if (round % 2 == 0) Thread.sleep(5);  // they wait already, or are about to
                for (Closeable one : all) one.close();
                join(threads, failures);
            }
        }
        return told;
    }

    static int depth(int at) {
        return depth(at + 1) + 1;
    }

    // And finds null pointers and the end of a stack by the processor's.
    static Object faults() throws Exception {
        List<Throwable> failures = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        AtomicInteger found = new AtomicInteger();
        for (int i = 0; i < 4; ++i) {
            threads.add(start(() -> {
                for (int round = 0; round < 2000; ++round) {
                    int[] none = round % 2 == 0 ? null : new int[1];
                    try {
                        none[0] = round;
                    } catch (NullPointerException expected) {
                        found.incrementAndGet();
                    }
                    if (round % 500 == 0) {
                        try {
                            depth(0);
                        } catch (StackOverflowError expected) {
                            found.incrementAndGet();
                        }
                        Thread.sleep(1);
                    }
                }
                return null;
            }, failures));
        }
        join(threads, failures);
        return found;
    }

    static Object selector() throws Exception {
        Pipe pipe = Pipe.open();
        pipe.source().configureBlocking(false);
        Selector selector = Selector.open();
        pipe.source().register(selector, SelectionKey.OP_READ);
        List<Throwable> failures = new ArrayList<>();
        Thread writer = start(() -> {
            for (int i = 0; i < 200; ++i) {
                pipe.sink().write(ByteBuffer.wrap(new byte[] {(byte) i}));
                if (i % 20 == 0) Thread.sleep(1);
            }
            pipe.sink().close();
            return null;
        }, failures);
        CRC32 sum = new CRC32();
        ByteBuffer buffer = ByteBuffer.allocate(64);
        for (boolean open = true; open;) {
            selector.select();
            selector.selectedKeys().clear();
            for (int got; (got = pipe.source().read(buffer.clear())) != 0;) {
                if (got < 0) {
                    open = false;
                    break;
                }
                sum.update(buffer.flip());
            }
        }
        join(List.of(writer), failures);
        return sum.getValue();
    }

    static Object processes() throws Exception {
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < 5; ++i) {
            Process process = new ProcessBuilder("sh", "-c", "cat; exit " + i).start();
            try (OutputStream input = process.getOutputStream()) {
                input.write(("process " + i).getBytes());
            }
            all.append(new String(process.getInputStream().readAllBytes())).append(": ").append(process.waitFor()).append("; ");
        }
        return all;
    }

    public static void main(String[] arguments) throws Exception {
        Thread collector = new Thread(() -> {
            while (true) {
                byte[][] garbage = new byte[100][];
                for (int i = 0; i < garbage.length; ++i) garbage[i] = new byte[100_000];
                System.gc();
                try {
                    Thread.sleep(20);
                } catch (InterruptedException over) {
                    return;
                }
            }
        });
        collector.setDaemon(true);
        collector.start();
        part("sockets", () -> sockets(8, 40, 0));
        part("sockets with a time limit", () -> sockets(8, 40, 60_000));
        part("monitors", Threads::monitors);
        part("queues", Threads::queues);
        part("sleeps", Threads::sleeps);
        part("interrupted by Java", Threads::interruptedByJava);
        part("closed by another thread", Threads::closedByAnother);
        part("faults", Threads::faults);
        part("selector", Threads::selector);
        part("processes", Threads::processes);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("ended in order")));
    }
}
