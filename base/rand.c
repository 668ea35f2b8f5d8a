#include "base/rand.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/os.h"

static uint64_t rotate_left(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

void rand_seed(struct rand_state *state, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15ull);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        state->s[i] = z ^ (z >> 31);
    }
}

uint64_t rand_next(struct rand_state *state) {
    uint64_t *s = state->s;
    uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double rand_unit(struct rand_state *state) { return (double)((rand_next(state) >> 11) + 1) * 0x1p-53; }

uint64_t rand_below(struct rand_state *state, uint64_t n) {
    return (uint64_t)(((unsigned __int128)rand_next(state) * n) >> 64);
}

uint64_t rand_entropy(void) {
    uint64_t word = 0;
    int saved_errno = errno;
    long n = syscall(SYS_getrandom, &word, sizeof word, 1 /* GRND_NONBLOCK */);
    errno = saved_errno;
    if (n != (long)sizeof word)
        word = hash64((uint64_t)os_now() ^ (uintptr_t)&word ^ ((uint64_t)os_thread_id() << 32));
    return word;
}
