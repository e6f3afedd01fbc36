// Node in all that it waits for: its loop on epoll, a pool of threads for files, workers, sockets and child processes. Each
// part prints what has to come out.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const childProcess = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const net = require('net');
const path = require('path');

if (!isMainThread) {
    const flags = new Int32Array(workerData);
    Atomics.wait(flags, 0, 0);  // a condition variable in this thread
    parentPort.on('message', (number) => {
        if (number < 0) return parentPort.close();
        parentPort.postMessage(number * number);
    });
    return;
}

const digest = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex').slice(0, 16);

async function workers() {
    const flags = new SharedArrayBuffer(4);
    let sum = 0;
    await Promise.all([0, 1, 2, 3].map((first) => new Promise((resolve, reject) => {
        const worker = new Worker(__filename, { workerData: flags });
        let answers = 0;
        worker.on('message', (square) => {
            sum += square;
            if (++answers === 200) worker.postMessage(-1);
        });
        worker.on('error', reject);
        worker.on('exit', resolve);
        for (let i = 0; i < 200; ++i) worker.postMessage(first * 200 + i);
        setTimeout(() => {
            Atomics.store(new Int32Array(flags), 0, 1);
            Atomics.notify(new Int32Array(flags), 0);
        }, 50);
    })));
    return sum;
}

async function sockets() {
    const server = net.createServer((socket) => socket.pipe(socket));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sent = crypto.createHash('shake256', { outputLength: 400000 }).update('seed').digest();
    const echoes = await Promise.all(Array.from({ length: 12 }, () => new Promise((resolve, reject) => {
        const parts = [];
        const socket = net.connect(server.address().port, '127.0.0.1', () => socket.end(sent));
        socket.on('data', (part) => parts.push(part));
        socket.on('error', reject);
        socket.on('close', () => resolve(digest(Buffer.concat(parts))));
    })));
    await new Promise((resolve) => server.close(resolve));
    return [...new Set(echoes)].join() === digest(sent);
}

async function children() {
    const results = await Promise.all(Array.from({ length: 6 }, (_, number) => new Promise((resolve, reject) => {
        const child = childProcess.spawn('sh', ['-c', `cat; exit ${number}`]);
        let out = '';
        child.stdout.on('data', (part) => { out += part; });
        child.on('error', reject);
        child.on('close', (status) => resolve(`${out.length}:${status}`));
        child.stdin.end('x'.repeat(100000));
    })));
    results.push(childProcess.execFileSync('sh', ['-c', 'sleep 0.1; echo done']).toString().trim());
    return results.join(' ');
}

async function files(directory) {
    const digests = await Promise.all(Array.from({ length: 8 }, async (_, number) => {
        const file = path.join(directory, `node-file-${number}`);
        await fs.promises.writeFile(file, Buffer.alloc(300000, number));
        const bytes = await fs.promises.readFile(file);
        await fs.promises.unlink(file);
        return digest(bytes);
    }));
    return digest(digests.join());
}

async function timers() {
    const begin = process.hrtime.bigint();
    await Promise.all(Array.from({ length: 50 }, (_, i) => new Promise((resolve) => setTimeout(resolve, 100 + i))));
    return process.hrtime.bigint() - begin >= 148000000n;
}

async function signals() {
    let count = 0;
    process.on('SIGUSR2', () => ++count);
    process.on('SIGWINCH', () => ++count);
    for (const name of ['SIGUSR2', 'SIGWINCH', 'SIGUSR2']) {
        const before = count;
        process.kill(process.pid, name);
        while (count === before) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return count;
}

(async () => {
    for (const part of [workers, sockets, children, () => files(process.argv[2]), timers, signals]) {
        console.log(`${part.name || 'files'} ${await part()}`);
    }
    process.exit(0);
})().catch((failure) => {
    console.error(failure);
    process.exit(1);
});
