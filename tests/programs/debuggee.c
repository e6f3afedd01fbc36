/* For gdb: threads that all come through one function, and one that sleeps meanwhile. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static int sum, finished;

void add(int number) {
    pthread_mutex_lock(&lock);
    sum += number;
    pthread_mutex_unlock(&lock);
}

static void *work(void *first) {
    for (int i = 0; i < 5; ++i) {
        usleep(1000);
        add(*(int *)first + i);
    }
    pthread_mutex_lock(&lock);
    ++finished;
    pthread_cond_signal(&done);
    pthread_mutex_unlock(&lock);
    return NULL;
}

void all_done(void) { printf("sum %d\n", sum); }

int main(void) {
    pthread_t threads[4];
    int firsts[4] = {0, 100, 200, 300};
    for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, work, &firsts[i]);
    pthread_mutex_lock(&lock);
    while (finished < 4) pthread_cond_wait(&done, &lock);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
    all_done();
    return 0;
}
